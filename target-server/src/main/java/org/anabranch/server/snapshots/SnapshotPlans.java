// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.snapshots.merge.Merges;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;

/**
 * What a new snapshot is to be, and why it is refused. One call at a time, by its turn in {@code
 * Changes}.
 */
final class SnapshotPlans {
  private final SnapshotRegistry registry;
  private final SnapshotDevices devices;
  private final Merges merges;

  SnapshotPlans(SnapshotRegistry registry, SnapshotDevices devices, Merges merges) {
    this.registry = registry;
    this.devices = devices;
    this.merges = merges;
  }

  /** Refuses what cannot be made of a volume now. */
  void refuseUnlessFree(String volume) throws RefusedException {
    SnapshotState merging = merges.merging(volume);
    if (merging != null) {
      throw new RefusedException(
          "volume "
              + volume
              + " is being rolled back to "
              + merging.device()
              + "; wait for its end");
    }
    devices.refuseForeignTable(volume);
    devices.refuseStandby(volume);
  }

  /** Refuses what cannot be taken; nothing is made yet. */
  SnapshotState planned(Wanted wanted) throws RefusedException {
    SnapshotDevices.checkName(wanted.name());
    SnapshotNames.checkDescription(wanted.description());
    if (wanted.storeBytes() < 0) {
      throw new RefusedException(
          "snapshot "
              + wanted.name()
              + ": a store cannot have "
              + wanted.storeBytes()
              + " bytes; without a size it gets what it can need");
    }
    String volume = wanted.volume();
    String device = wanted.device();
    String origin = devices.volume(volume).source().address();
    if (registry.state().snapshot(device) != null) {
      throw new RefusedException(
          "snapshot " + device + " exists; remove it first, or name another");
    }
    refuseUnlessFree(volume);
    String store = registry.places().newStore(volume, wanted.name());
    registry.places().refuseIfThere(volume, store);
    return new SnapshotState(
        volume,
        wanted.name(),
        origin,
        store,
        devices.sectors(volume),
        wanted.chunkSectors(),
        wanted.readOnly(),
        Instant.now().truncatedTo(ChronoUnit.SECONDS),
        Phase.CREATING,
        false,
        0,
        0,
        wanted.description(),
        UUID.randomUUID().toString(),
        null,
        wanted.scheduled());
  }
}
