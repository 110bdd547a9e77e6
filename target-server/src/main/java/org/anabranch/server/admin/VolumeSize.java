// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.util.List;
import java.util.function.ToIntFunction;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.VolumeTable;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.VolumeImage.Capability;
import org.anabranch.server.terminal.Sizes;

/**
 * {@code volume resize}.
 *
 * <dl>
 *   <dt>Where is the new size kept?
 *   <dd>In the length of the volume's image. {@code size} in the configuration is the least that it
 *       has: a longer image is served whole after every restart, whatever the configuration says.
 *   <dt>What do initiators notice of it when a volume grows?
 *   <dd>The unit attention CAPACITY DATA HAS CHANGED (2A/09). What is new reads as zeros.
 *   <dt>And its snapshots?
 *   <dd>They keep the length that the volume had, and rolling back keeps the volume's new one.
 *   <dt>When is shrinking refused?
 *   <dd>Without {@code --force}, and always below {@code size}, under sessions, with snapshots, and
 *       below other devices.
 * </dl>
 */
public final class VolumeSize {
  /** Sectors before and after. */
  public record Resized(long before, long after) {}

  private final LiveConfiguration live;
  private final Storage storage;
  private final Targets targets;
  private final StateFile state;
  private final Changes changes;
  private final ToIntFunction<String> sessions;

  /**
   * @param sessions how many are logged in to a target that has the device or one made of it
   */
  public VolumeSize(
      LiveConfiguration live,
      Storage storage,
      Targets targets,
      StateFile state,
      Changes changes,
      ToIntFunction<String> sessions) {
    this.live = live;
    this.storage = storage;
    this.targets = targets;
    this.state = state;
    this.changes = changes;
    this.sessions = sessions;
  }

  /**
   * Gives a volume another size.
   *
   * @param size sectors
   * @param more that much more than now
   * @param force also a smaller one
   */
  public Resized resize(String name, long size, boolean more, boolean force)
      throws RefusedException {
    changes.lock();
    try {
      VolumeConfig volume = live.served(name);
      if (volume == null) {
        storage.refuseIfLeftOut(name);
        throw RefusedException.absent("volume", name, live.served().keySet());
      }
      long before = storage.devices().sectors(name);
      long sectors = more ? before + size : size;
      int blockSectors = volume.blockSize() / 512;
      if (sectors < blockSectors || sectors % blockSectors != 0) {
        throw new RefusedException(
            "volume "
                + name
                + " cannot have "
                + sectors * 512
                + " bytes: it has blocks of "
                + volume.blockSize()
                + " bytes, and needs one or more whole ones");
      }
      if (volume.readOnly()) {
        throw new RefusedException(
            "volume "
                + name
                + " is read-only, so its size stays; take read-only out of the configuration and reload");
      }
      refuseWhileMerging(name, state.state());
      VolumeTable.refuseForeign(storage, volume);
      if (sectors < before) {
        refuseToShrink(volume, sectors, before, force);
      }
      if (sectors != before) {
        storage.resize(volume, sectors);
        targets.capacityChanged(name);
      }
      return new Resized(before, sectors);
    } finally {
      changes.unlock();
    }
  }

  private void refuseToShrink(VolumeConfig volume, long sectors, long before, boolean force)
      throws RefusedException {
    String what = "volume " + volume.name();
    if (!force) {
      throw new RefusedException(
          what
              + " has "
              + Sizes.exact(before * 512)
              + ": to shrink it to "
              + Sizes.exact(sectors * 512)
              + " loses what is behind that; shrink the file system on it first, then use"
              + " --force");
    }
    if (sectors < volume.sectors()) {
      throw new RefusedException(
          what
              + ": the configuration says a size of "
              + Sizes.exact(volume.sectors() * 512)
              + ", and it would have that again at the next start; lower it there first");
    }
    if (!storage.image(volume).capabilities().contains(Capability.SHRINKS_IN_USE)) {
      throw new RefusedException(
          what
              + ": "
              + volume.source().address()
              + " cannot become shorter while it is served; stop the server, and shorten it then");
    }
    List<String> snapshots =
        state.state().snapshots().values().stream()
            .filter(snapshot -> snapshot.volume().equals(volume.name()))
            .map(SnapshotState::device)
            .toList();
    if (!snapshots.isEmpty()) {
      throw new RefusedException(
          what + " has snapshots (" + String.join(", ", snapshots) + "); remove them first");
    }
    List<String> above = storage.devices().above(volume.name());
    if (!above.isEmpty()) {
      throw new RefusedException(
          what + " is below " + String.join(", ", above) + ": give that another table first");
    }
    int count = sessions.applyAsInt(volume.name());
    if (count > 0) {
      throw new RefusedException(
          what
              + " is a LUN of a target that has "
              + count
              + (count == 1 ? " session" : " sessions")
              + "; log out there first");
    }
  }

  /** A volume that is being rolled back keeps its size meanwhile. */
  static void refuseWhileMerging(String volume, RuntimeState state) throws RefusedException {
    for (SnapshotState snapshot : state.snapshots().values()) {
      if (snapshot.volume().equals(volume) && snapshot.phase() == SnapshotState.Phase.MERGING) {
        throw new RefusedException(
            "volume "
                + volume
                + " is being rolled back to "
                + snapshot.device()
                + "; resize it when that has ended");
      }
    }
  }
}
