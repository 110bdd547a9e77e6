// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import org.anabranch.config.Configuration;
import org.anabranch.config.VolumeDefaults;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.receive.StreamOfNewVolume;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeDisk;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.state.VolumeState.Phase;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes, at a start, the volumes of streams that were received when the server stopped before it
 * had made the volume. The imports then fill them. Each step can be done again.
 */
public final class VolumesOfStreams {
  private static final Logger LOG = LoggerFactory.getLogger(VolumesOfStreams.class);

  private VolumesOfStreams() {}

  /**
   * Makes them, after {@link VolumeLeftovers#end}. A volume that cannot be made never was: its
   * stream is deleted. Nobody was told that there is one.
   *
   * @param folder the state directory
   */
  public static void make(Path folder, StateFile state, Configuration configuration)
      throws RefusedException {
    for (StreamOfNewVolume stream : StreamOfNewVolume.left(folder)) {
      String name = stream.volume();
      VolumeState volume = state.state().volumes().get(name);
      boolean isConfigured =
          configuration.volumes().containsKey(name) || configuration.devices().containsKey(name);
      try {
        if (volume == null && isConfigured) {
          throw new RefusedException("it is in the configuration now");
        } else if (volume == null) {
          make(stream, state, configuration);
        } else if (isConfigured) {
          delete(stream, volume, state);
        }
      } catch (IOException e) {
        refused(stream, StateDirectory.reason(e), state);
      } catch (RefusedException e) {
        refused(stream, String.valueOf(e.getMessage()), state);
      }
    }
  }

  private static void make(StreamOfNewVolume stream, StateFile state, Configuration configuration)
      throws IOException, RefusedException {
    StreamOfNewVolume.Disk disk = stream.disk();
    VolumeDefaults defaults = configuration.volumeDefaults();
    Path path =
        NewImage.place(
            configuration.imageDir(), stream.volume(), file -> isImage(file, state, configuration));
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new RefusedException(path + " exists");
    }
    VolumeState volume =
        new VolumeState(
            stream.volume(),
            path,
            new VolumeDisk(
                disk.blockSize(),
                Math.max(disk.blockSize(), defaults.physicalBlockSize()),
                false, // the stream is to be written
                defaults.removable()),
            null,
            null,
            Instant.now().truncatedTo(ChronoUnit.SECONDS),
            Phase.MAKING,
            UUID.randomUUID().toString().substring(0, 8));
    state.replace(state.state().with(volume));
    try (FileChannel image = NewImage.open(volume, state.steps())) {
      NewImage.extend(image, disk.bytes());
      NewImage.complete(image, volume, state);
    }
    state.replace(state.state().with(volume.in(Phase.READY)));
    LOG.info("volume {}: made, with {}, for a stream that was received", volume.name(), path);
  }

  private static boolean isImage(Path file, StateFile state, Configuration configuration) {
    return state.state().volumes().values().stream().anyMatch(each -> each.path().equals(file))
        || configuration.volumes().values().stream()
            .anyMatch(each -> each.source().address().equals(file.toString()));
  }

  /** The configuration has another volume of this name: what was made is not needed any more. */
  private static void delete(StreamOfNewVolume stream, VolumeState volume, StateFile state)
      throws IOException, RefusedException {
    boolean isTaken =
        state.state().snapshots().values().stream()
            .anyMatch(each -> each.volume().equals(volume.name()));
    stream.delete();
    if (!isTaken) { // otherwise it is whole, and stays behind the configured one
      state.replace(state.state().with(volume.in(Phase.REMOVING)));
      VolumeLeftovers.delete(volume.path(), state.steps());
      state.replace(state.state().withoutVolume(volume.name()));
      LOG.warn("volume {}: a stream for a new volume is given up: it is configured", volume.name());
    }
  }

  private static void refused(StreamOfNewVolume stream, String reason, StateFile state)
      throws RefusedException {
    String name = stream.volume();
    LOG.error("volume {}: it cannot be made of the stream that was received: {}", name, reason);
    if (state.state().volumes().containsKey(name)) {
      return; // the next start ends that first, and tries again
    }
    try {
      stream.delete();
    } catch (IOException e) {
      throw new RefusedException(StateDirectory.reason(e), e);
    }
  }
}
