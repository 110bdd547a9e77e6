// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.Set;
import java.util.TreeSet;
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
import org.anabranch.server.uses.Uses;
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
  private final Uses uses;

  SnapshotRestore(
      Storage storage,
      SnapshotRegistry registry,
      LiveConfiguration live,
      Changes changes,
      SnapshotDevices devices,
      Stores stores,
      KeptStores kept,
      StrayStores strays,
      Uses uses) {
    this.storage = storage;
    this.registry = registry;
    this.live = live;
    this.changes = changes;
    this.devices = devices;
    this.stores = stores;
    this.kept = kept;
    this.strays = strays;
    this.uses = uses;
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
      for (VolumeConfig volume : live.served().values()) {
        learn(volume);
      }
      for (SnapshotState snapshot : registry.all()) {
        if (endInterrupted(snapshot) && live.served(snapshot.volume()) == null) {
          LOG.warn(
              "snapshot {}: its volume is not served, and the snapshot waits for it; put the volume"
                  + " into the configuration again, or give the snapshot up: snapshot remove --force",
              snapshot.device());
        }
      }
      for (VolumeConfig volume : live.served().values()) {
        activate(volume);
      }
    } finally {
      changes.unlock();
    }
  }

  /** What is shared of a volume is known from now on; it is withdrawn when that cannot be read. */
  private void learn(VolumeConfig volume) throws RefusedException {
    try {
      if (registry.learn(volume)) {
        cameBack(volume);
      }
    } catch (RefusedException e) {
      live.withdraw(volume.name());
      storage.withdraw(volume, e);
    }
  }

  /**
   * Another server has served a volume in the meantime: who uses it is known there. What waits for
   * that waits for an administrator now.
   */
  private void cameBack(VolumeConfig volume) {
    Set<String> waiting = new TreeSet<>();
    for (SnapshotState snapshot : registry.of(volume.name())) {
      if (snapshot.phase() == Phase.WAITING) {
        waiting.add(volume.name());
        waiting.add(snapshot.device());
      }
    }
    if (!waiting.isEmpty()) {
      uses.unknown(waiting);
      LOG.warn(
          "volume {}: a rollback waits until nobody uses it, and who does was known to another"
              + " server: it begins after snapshot merge --assume-gone unknown",
          volume.name());
    }
  }

  /** Ends what a crash, or another server's end, interrupted. Whether there is a snapshot left. */
  private boolean endInterrupted(SnapshotState snapshot) throws RefusedException {
    if (snapshot.phase() == Phase.CREATING || snapshot.phase() == Phase.REMOVING) {
      registry.forget(snapshot);
      return false;
    }
    kept.restore(snapshot);
    return true;
  }

  /**
   * The same for one volume, by its turn.
   *
   * @return whether it can be served
   */
  boolean restore(VolumeConfig volume) throws RefusedException {
    learn(volume);
    if (live.served(volume.name()) == null) {
      return false;
    }
    for (SnapshotState snapshot : registry.of(volume.name())) {
      if (snapshot.isShared()) { // others have been looked at when the server started
        var _ = endInterrupted(snapshot);
      }
    }
    return activate(volume);
  }

  /**
   * The same for a volume that this server gets from another one, by its turn; nothing is left of
   * an earlier time.
   *
   * @throws RefusedException when it cannot be served here
   */
  void arrived(VolumeConfig volume) throws RefusedException {
    if (registry.learn(volume)) {
      cameBack(volume);
    }
    for (SnapshotState snapshot : registry.of(volume.name())) {
      if (snapshot.isShared() && endInterrupted(snapshot)) {
        bringBack(snapshot);
      }
    }
  }

  private void bringBack(SnapshotState snapshot) throws NotWholeException {
    if (snapshot.phase() != Phase.MERGING || snapshot.keeps()) {
      stores.opening(snapshot);
    }
    devices.restore(snapshot);
  }

  private boolean activate(VolumeConfig volume) throws RefusedException {
    try {
      strays.refuse(volume.name());
      for (SnapshotState snapshot : registry.of(volume.name())) {
        bringBack(snapshot);
      }
      return true;
    } catch (NotWholeException e) {
      live.withdraw(volume.name());
      storage.withdraw(volume, e);
      return false;
    }
  }
}
