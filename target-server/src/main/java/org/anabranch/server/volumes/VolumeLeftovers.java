// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Objects;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.state.VolumeState.Phase;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends what a crash or a stop interrupted while a volume was made or removed: see {@link
 * VolumeState}. Each step can be done again.
 */
public final class VolumeLeftovers {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeLeftovers.class);

  private VolumeLeftovers() {}

  /**
   * Ends it for all volumes of the state file. Nothing is served yet. What cannot be ended, as when
   * a file system is not mounted, stays as it is until the next start, and is not served.
   */
  public static void end(StateFile state) throws RefusedException {
    for (VolumeState volume : state.state().volumes().values()) {
      try {
        switch (volume.phase()) {
          case MAKING -> {
            delete(volume.part(), state.steps());
            state.replace(state.state().withoutVolume(volume.name()));
            LOG.warn(
                "volume {}: it was not made to its end when the server stopped; nothing of it is"
                    + " left",
                volume.name());
          }
          case MADE -> {
            moveIntoPlace(volume, state.steps());
            state.replace(state.state().with(volume.in(Phase.READY)));
          }
          case REMOVING -> {
            delete(volume.path(), state.steps());
            state.replace(state.state().withoutVolume(volume.name()));
          }
          case READY -> {}
        }
      } catch (IOException e) {
        LOG.error("volume {}: {}", volume.name(), StateDirectory.reason(e));
      }
    }
  }

  /** Gives a whole image its path, durably; also when it has that already. */
  static void moveIntoPlace(VolumeState volume, DurableSteps steps) throws IOException {
    if (Files.exists(volume.part(), LinkOption.NOFOLLOW_LINKS)) {
      if (Files.exists(volume.path(), LinkOption.NOFOLLOW_LINKS)) {
        throw new IOException(volume.path() + " exists by now; the new image is " + volume.part());
      }
      Files.move(volume.part(), volume.path());
      steps.taken("image moved");
    }
    DurableFile.syncFolder(folder(volume.path()), steps);
  }

  /** Deletes a file if it is there, durably. */
  static void delete(Path file, DurableSteps steps) throws IOException {
    if (Files.deleteIfExists(file)) {
      steps.taken("image deleted");
      DurableFile.syncFolder(folder(file), steps);
    }
  }

  static Path folder(Path file) {
    return Objects.requireNonNull(file.getParent());
  }
}
