// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.device;

import java.util.Objects;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.stores.StoreFile;
import org.anabranch.server.stores.StorePlaces;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The second store of a snapshot that is kept when its volume is rolled back to it.
 *
 * <pre>
 *   state file                            the second store              at the next start
 *   WAITING or QUEUED, names it           not there, or being made      the file is deleted
 *   MERGING, names it                     loaded: the snapshot's own    the merge goes on, both stores are used
 *   READY, names the one that was merged  being deleted                 the file is deleted
 *   READY, names none                     -                             -
 * </pre>
 *
 * So each step that changes what a crash leaves is one write of the state file. The snapshot's
 * device is there all the time, and reads the same: until the merge begins from the first store,
 * then from the second one and, where that has nothing, from what the merge makes the volume read
 * as. What the volume is written from then on is copied to the second store first.
 *
 * <p>One call at a time, by its turn in {@code Changes}.
 */
public final class KeptStores {
  private static final Logger LOG = LoggerFactory.getLogger(KeptStores.class);

  private final SnapshotRegistry registry;
  private final Stores stores;
  private final SnapshotDevices devices;

  public KeptStores(SnapshotRegistry registry, Stores stores, SnapshotDevices devices) {
    this.registry = registry;
    this.stores = stores;
    this.devices = devices;
  }

  /**
   * A snapshot that is to be kept; nothing is made yet.
   *
   * @throws RefusedException when there is no room for a second store
   */
  public SnapshotState planned(SnapshotState snapshot) throws RefusedException {
    if (snapshot.secondStore() != null) {
      deleteSecond(snapshot); // what the end of an earlier merge could not delete
    }
    stores.refuseUnlessRoom(snapshot);
    return snapshot.withSecondStore(registry.places().newStore(snapshot.volume(), snapshot.name()));
  }

  /** Makes the second store, which the state file names, of a merge about to begin; loads it. */
  public void make(SnapshotState snapshot) throws RefusedException {
    String second = Objects.requireNonNull(snapshot.secondStore());
    StorePlaces places = registry.places();
    String volume = snapshot.volume();
    places.refuseIfThere(volume, second);
    stores.refuseUnlessRoom(snapshot);
    long bytes = places.bytes(volume, snapshot.store());
    places.make(volume, second, bytes, Math.min(bytes, StoreFile.LEAST_LONGEST), registry.steps());
    SnapshotState merging = snapshot.in(Phase.MERGING);
    stores.opening(merging);
    devices.prepareKept(merging);
    registry.steps().taken("second store loaded");
  }

  /** The merge does not begin. Gives the snapshot as it is then; the caller writes that down. */
  public SnapshotState drop(SnapshotState snapshot) {
    try {
      devices.dropKept(snapshot);
      deleteSecond(snapshot);
      return snapshot.withSecondStore(null);
    } catch (RefusedException e) {
      LOG.error("snapshot {}: {}; the next start deletes it", snapshot.device(), e.getMessage());
      return snapshot;
    }
  }

  /** The merge has ended: the second store is the snapshot's, and the first one goes. */
  public void exchange(SnapshotState merged) throws RefusedException {
    SnapshotState kept = merged.kept();
    registry.put(kept);
    try {
      deleteSecond(kept);
      registry.put(kept.withSecondStore(null));
    } catch (RefusedException e) {
      LOG.error("snapshot {}: {}; the next start deletes it", kept.device(), e.getMessage());
    }
  }

  /** Ends what a crash interrupted. Nothing is open yet. */
  public void restore(SnapshotState snapshot) throws RefusedException {
    if (snapshot.secondStore() != null && snapshot.phase() != Phase.MERGING) {
      deleteSecond(snapshot);
      if (snapshot.phase() == Phase.READY) {
        registry.put(snapshot.withSecondStore(null));
      }
    }
  }

  private void deleteSecond(SnapshotState snapshot) throws RefusedException {
    registry.deleteStore(snapshot.volume(), Objects.requireNonNull(snapshot.secondStore()));
  }
}
