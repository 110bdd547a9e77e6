// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.snapshots.merge.Merges;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.stores.StoreFile;
import org.anabranch.server.stores.StrayStores;

/**
 * What a new snapshot is to be, and why it is refused. One call at a time, by its turn in {@code
 * Changes}.
 */
final class SnapshotPlans {
  private final SnapshotRegistry registry;
  private final SnapshotDevices devices;
  private final StrayStores strays;
  private final Merges merges;

  SnapshotPlans(
      SnapshotRegistry registry, SnapshotDevices devices, StrayStores strays, Merges merges) {
    this.registry = registry;
    this.devices = devices;
    this.strays = strays;
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
    Path store = strays.newStore(device);
    StoreFile.refuseIfThere(store);
    refuseUnlessFree(volume);
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
