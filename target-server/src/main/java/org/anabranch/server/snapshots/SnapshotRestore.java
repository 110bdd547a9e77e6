// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.KeptStores;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.snapshots.device.Stores;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.NotWholeException;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.stores.StrayStores;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings snapshots back at a start, and ends what a crash interrupted. */
final class SnapshotRestore {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotRestore.class);

  private final Storage storage;
  private final SnapshotRegistry registry;
  private final LiveConfiguration live;
  private final Changes changes;
  private final SnapshotDevices devices;
  private final Stores stores;
  private final KeptStores kept;
  private final StrayStores strays;

  SnapshotRestore(
      Storage storage,
      SnapshotRegistry registry,
      LiveConfiguration live,
      Changes changes,
      SnapshotDevices devices,
      Stores stores,
      KeptStores kept,
      StrayStores strays) {
    this.storage = storage;
    this.registry = registry;
    this.live = live;
    this.changes = changes;
    this.devices = devices;
    this.stores = stores;
    this.kept = kept;
    this.strays = strays;
  }

  /**
   * Brings back what the state file knows, and ends what a crash interrupted. The volumes' devices
   * are there, and nobody uses them yet. A volume is left out if a snapshot cannot be activated.
   */
  void restore() throws RefusedException {
    changes.lock();
    try {
      for (String name : live.served().keySet()) {
        if (storage.leftOut().get(name) != null) {
          live.withdraw(name);
        }
      }
      for (SnapshotState snapshot : registry.all()) {
        if (snapshot.phase() == Phase.CREATING || snapshot.phase() == Phase.REMOVING) {
          registry.forget(snapshot);
          continue;
        }
        kept.restore(snapshot);
        if (live.served(snapshot.volume()) == null) {
          LOG.warn(
              "snapshot {}: its volume is not served, and the snapshot waits for it; put the volume"
                  + " into the configuration again, or give the snapshot up: snapshot remove --force",
              snapshot.device());
        }
      }
      for (VolumeConfig volume : live.served().values()) {
        restore(volume);
      }
    } finally {
      changes.unlock();
    }
  }

  /**
   * The same for one volume, by its turn.
   *
   * @return whether it can be served
   */
  boolean restore(VolumeConfig volume) throws RefusedException {
    try {
      strays.refuse(volume.name());
      for (SnapshotState snapshot : registry.of(volume.name())) {
        if (snapshot.phase() != Phase.MERGING || snapshot.keeps()) {
          stores.opening(snapshot);
        }
        devices.restore(snapshot);
      }
      return true;
    } catch (NotWholeException e) {
      live.withdraw(volume.name());
      storage.withdraw(volume, e);
      return false;
    }
  }
}
