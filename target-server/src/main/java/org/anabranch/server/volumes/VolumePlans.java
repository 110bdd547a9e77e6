// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.UUID;
import org.anabranch.config.Configuration;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.VolumeDefaults;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeDisk;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.state.VolumeState.Phase;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;

/**
 * What a new volume would be, before anything of it is made: whether its name and its place are
 * free, and which block sizes it gets. By its turn in {@code Changes}.
 */
final class VolumePlans {
  private final LiveConfiguration live;
  private final Storage storage;
  private final StateFile state;

  VolumePlans(LiveConfiguration live, Storage storage, StateFile state) {
    this.live = live;
    this.storage = storage;
    this.state = state;
  }

  /** Refuses a name that something else has, or had. */
  void refuseIfTaken(String name) throws RefusedException {
    Configuration now = live.configured();
    RuntimeState made = state.state();
    if (now.volumes().containsKey(name) || made.volumes().containsKey(name)) {
      throw new RefusedException("volume " + name + " exists; name another");
    }
    if (now.devices().containsKey(name)
        || made.devices().containsKey(name)
        || storage.devices().has(name)) {
      throw new RefusedException("there is a device named " + name + "; name another");
    }
    if (made.snapshots().values().stream().anyMatch(each -> each.volume().equals(name))) {
      throw new RefusedException(
          "there are snapshots of a volume "
              + name
              + " that is not configured any more: configure it again, or remove them with snapshot"
              + " remove --force");
    }
  }

  /** The snapshot that a volume is to be a copy of. */
  SnapshotState snapshot(String device) throws RefusedException {
    SnapshotState snapshot = state.state().snapshot(device);
    if (snapshot == null) {
      throw RefusedException.absent("snapshot", device, state.state().snapshots().keySet());
    }
    storage.refuseIfLeftOut(snapshot.volume());
    return snapshot;
  }

  /**
   * The volume as it will be in the state file while it is being made.
   *
   * @param from that it is a copy of; null for none
   * @param isThere whether its image exists already, and is served as it is
   */
  VolumeState planned(NewVolume wanted, @Nullable SnapshotState from, boolean isThere)
      throws RefusedException {
    VolumeConfig source = from == null ? null : live.configured().volumes().get(from.volume());
    VolumeDefaults defaults = live.file().volumeDefaults();
    int block =
        Objects.requireNonNullElse(
            wanted.blockSize(), source == null ? defaults.blockSize() : source.blockSize());
    int physical =
        Objects.requireNonNullElse(
            wanted.physicalBlockSize(),
            Math.max(
                block, source == null ? defaults.physicalBlockSize() : source.physicalBlockSize()));
    VolumeDisk disk =
        new VolumeDisk(
            block,
            physical,
            Objects.requireNonNullElse(wanted.readOnly(), defaults.readOnly()),
            Objects.requireNonNullElse(wanted.removable(), defaults.removable()));
    Path path = wanted.path();
    Path image =
        path == null
            ? NewImage.place(live.configured().imageDir(), wanted.name(), this::isImage)
            : path.normalize();
    VolumeState planned =
        new VolumeState(
            wanted.name(),
            image,
            disk,
            null,
            from == null ? null : from.device(),
            Instant.now().truncatedTo(ChronoUnit.SECONDS),
            Phase.MAKING,
            UUID.randomUUID().toString().substring(0, 8));
    long bytes = from != null ? from.sectors() * 512 : wanted.bytes() == null ? 0 : wanted.bytes();
    wanted.checkBlocks(bytes, block, physical);
    checkImage(wanted, image, isThere);
    return planned;
  }

  /** Whether a file is the image of a volume, under whatever name the volume is now. */
  private boolean isImage(Path file) {
    return state.state().volumes().values().stream().anyMatch(each -> each.path().equals(file))
        || live.configured().volumes().values().stream()
            .anyMatch(each -> storage.backends().isSame(each.source().address(), file.toString()));
  }

  private void checkImage(NewVolume wanted, Path image, boolean isThere) throws RefusedException {
    boolean exists = Files.exists(image, LinkOption.NOFOLLOW_LINKS);
    for (VolumeConfig other : live.configured().volumes().values()) {
      if (storage.backends().isSame(other.source().address(), image.toString())) {
        throw wanted.refused(image + " is the image of volume " + other.name());
      }
    }
    Path folder = VolumeLeftovers.folder(image);
    if (!folder.equals(live.configured().imageDir())) {
      storage.refuseState(image);
      if (!Files.isDirectory(folder)) {
        throw wanted.refused("there is no folder " + folder);
      }
    }
    if (exists && !isThere) {
      throw wanted.refused(
          image + " exists; without a size or a snapshot, --path serves it as it is");
    }
    if (isThere && !Files.exists(image)) {
      throw wanted.refused(image + " does not exist; with a size or a snapshot, it is made");
    }
  }
}
