// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.anabranch.config.StoresConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.RefusedException;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The life of snapshots.
 *
 * <pre>
 *   create   state: CREATING   store file made   volume suspended, snapshot device made,
 *            volume resumed    state: READY
 *   remove   state: REMOVING   device removed    store deleted       entry gone
 *   merge    state: WAITING until nobody is logged in, or to be now and QUEUED behind another;
 *            state: MERGING    the volume's table becomes snapshot-merge and takes the store over
 *            from the snapshot's device, which is removed; in the end the volume's table becomes
 *            snapshot-origin again, then as remove
 * </pre>
 *
 * {@link SnapshotState} says what a start does with what a crash left. While a snapshot is taken
 * the volume is suspended: what was written before is in it, what is written later is not, and
 * nothing fails. One change at a time; the block layer goes on meanwhile.
 */
public final class Snapshots {
  private static final Logger LOG = LoggerFactory.getLogger(Snapshots.class);
  private static final String FOLDER = "cow";

  private final Storage storage;
  private final StateFile state;
  private final Path folder;
  private final Map<String, VolumeConfig> volumes;
  private final Initiators initiators;
  private final SnapshotDevices devices;
  private final Stores stores;
  private final MergeWatch watch;

  private final Changes changes;

  private final Readers readers = new Readers();

  /**
   * @param folder the state directory
   * @param volumes by name; changed from outside, by its turn in {@code changes}
   * @param storesConfig how stores grow
   */
  public Snapshots(
      Storage storage,
      StateFile state,
      Path folder,
      Map<String, VolumeConfig> volumes,
      StoresConfig storesConfig,
      Changes changes,
      Initiators initiators) {
    this.storage = storage;
    this.state = state;
    this.folder = folder.resolve(FOLDER);
    this.volumes = volumes;
    this.changes = changes;
    this.initiators = initiators;
    this.devices = new SnapshotDevices(storage, volumes);
    this.stores = new Stores(storage, storesConfig, this.folder, () -> list(null), devices);
    this.watch = new MergeWatch(storage.mapper(), this::mergeEnded, this::startWaiting);
  }

  /**
   * Brings back what the state file knows, and ends what a crash interrupted. The volumes' devices
   * are there, and nobody uses them yet.
   */
  public void restore() throws RefusedException {
    changes.lock();
    try {
      for (SnapshotState snapshot : List.copyOf(state.state().snapshots().values())) {
        if (snapshot.phase() == Phase.CREATING || snapshot.phase() == Phase.REMOVING) {
          forget(snapshot);
        }
      }
      for (SnapshotState snapshot : List.copyOf(state.state().snapshots().values())) {
        if (!volumes.containsKey(snapshot.volume())) {
          LOG.warn("snapshot {}: its volume is not configured; left alone", snapshot.device());
        } else if (snapshot.phase() != Phase.MERGING) {
          stores.opening(snapshot);
          devices.restore(snapshot, folder.resolveSibling("state.json"));
        }
      }
    } finally {
      changes.unlock();
    }
  }

  /**
   * Lets the merges go on that were under way, and those start that waited. Every device that must
   * see what they write to a volume is there: {@link #restore} first, and {@code dm}'s.
   */
  public void resumeMerges() throws RefusedException {
    changes.lock();
    try {
      for (SnapshotState snapshot : List.copyOf(state.state().snapshots().values())) {
        if (volumes.containsKey(snapshot.volume()) && snapshot.phase() == Phase.MERGING) {
          devices.startMerge(snapshot);
          watch.add(snapshot.volume(), snapshot.device());
        }
      }
      startWaiting();
    } finally {
      changes.unlock();
    }
    watch.start();
    stores.start();
  }

  private SnapshotState existing(String device) throws RefusedException {
    SnapshotState snapshot = state.state().snapshot(device);
    if (snapshot == null) {
      throw new RefusedException(
          "there is no snapshot "
              + device
              + "; there are: "
              + String.join(", ", state.state().snapshots().keySet()));
    }
    return snapshot;
  }

  private void put(SnapshotState snapshot) throws RefusedException {
    state.replace(state.state().with(snapshot));
  }

  /**
   * Takes a snapshot.
   *
   * @param chunkSectors a power of two
   * @param storeBytes how large its store is at first; 0: as large as it can need
   * @param readOnly initiators cannot write it
   */
  public SnapshotState create(
      String volume, String name, int chunkSectors, long storeBytes, boolean readOnly)
      throws RefusedException {
    SnapshotDevices.checkName(name);
    changes.lock();
    try {
      devices.volume(volume);
      String device = volume + "@" + name;
      if (state.state().snapshots().containsKey(device)) {
        throw new RefusedException(
            "snapshot " + device + " exists; remove it first, or name another");
      }
      SnapshotState merging = merging(volume);
      if (merging != null) {
        throw new RefusedException(
            "volume "
                + volume
                + " is being rolled back to "
                + merging.device()
                + "; wait for its end");
      }
      long sectors = devices.sectors(volume);
      SnapshotState snapshot =
          new SnapshotState(
              volume,
              name,
              folder.resolve(device + ".cow").toAbsolutePath(),
              sectors,
              chunkSectors,
              readOnly,
              Instant.now().truncatedTo(ChronoUnit.SECONDS),
              Phase.CREATING,
              false);
      long bytes = storeBytes == 0 ? StoreFile.sufficient(sectors, chunkSectors) : storeBytes;
      put(snapshot);
      try {
        StoreFile.make(snapshot.store(), bytes, state.steps());
        stores.opening(snapshot);
        devices.whileSuspended(volume, () -> devices.make(snapshot));
        put(snapshot.in(Phase.READY));
      } catch (RefusedException e) {
        undo(snapshot, e);
        throw e;
      }
      LOG.info("snapshot {}: taken", device);
      initiators.appeared(device);
      return snapshot.in(Phase.READY);
    } finally {
      changes.unlock();
    }
  }

  private void undo(SnapshotState snapshot, RefusedException reason) {
    try {
      if (storage.has(snapshot.device())) {
        storage.remove(snapshot.device());
      }
      forget(snapshot);
    } catch (RefusedException e) {
      reason.addSuppressed(e); // the next start ends it
      LOG.error("snapshot {}: {}", snapshot.device(), e.getMessage());
    }
  }

  /** Last steps of a life: no store, no entry. */
  private void forget(SnapshotState snapshot) throws RefusedException {
    storage.forget(snapshot.store());
    StoreFile.delete(snapshot.store(), state.steps());
    state.replace(state.state().withoutSnapshot(snapshot.device()));
  }

  /**
   * Removes a snapshot. What changed since it was taken stays.
   *
   * @param force also when sessions have it as a LUN
   */
  public void remove(String device, boolean force) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = existing(device);
      if (snapshot.phase() == Phase.MERGING) {
        throw new RefusedException(
            "snapshot " + device + " is being merged; what was rolled back cannot be undone");
      }
      letGo(device, force);
      put(snapshot.in(Phase.REMOVING));
      if (storage.has(device)) {
        storage.remove(device);
      }
      forget(snapshot);
      LOG.info("snapshot {}: removed", device);
    } finally {
      changes.unlock();
    }
  }

  private void letGo(String device, boolean force) throws RefusedException {
    int sessions = initiators.sessions(device);
    if (sessions > 0 && !force) {
      throw new RefusedException(
          "snapshot "
              + device
              + " is a LUN of a target that has "
              + sessions
              + (sessions == 1 ? " session" : " sessions")
              + "; log out there, or use --force");
    }
    detach(device);
  }

  /** A snapshot that can be read; refused while it is being made, merged or removed. */
  public SnapshotState standing(String device) throws RefusedException {
    return Readers.standing(existing(device));
  }

  /** Lets a snapshot be read; it is neither removed nor merged until that is closed. */
  public Readers.Reading read(String device) throws RefusedException {
    changes.lock();
    try {
      return readers.begin(storage, standing(device).device());
    } finally {
      changes.unlock();
    }
  }

  /** Takes the snapshot's LUNs away; refused while it is open for something else. */
  private void detach(String device) throws RefusedException {
    if (readers.read(device)) {
      throw new RefusedException(
          "snapshot " + device + " is being exported; wait for that, or interrupt it");
    }
    initiators.vanishing(device);
    if (storage.has(device) && storage.isHeld(device)) {
      initiators.appeared(device);
      throw new RefusedException("snapshot " + device + " is part of another device");
    }
  }

  /**
   * Rolls a volume back to a snapshot, now or when nobody is logged in to the volume. A second one
   * for a volume waits for the first, and for an export of the snapshot.
   *
   * @param now also under initiators; those that have the snapshot as a LUN lose it
   * @return the snapshot in its new phase
   */
  public SnapshotState merge(String device, boolean now) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = existing(device);
      if (snapshot.phase() == Phase.MERGING) {
        return snapshot;
      }
      if (devices.status(snapshot).contains("Invalid")) {
        throw new RefusedException(
            "snapshot " + device + " is invalid: it lost what it had and cannot be merged");
      }
      boolean free = merging(snapshot.volume()) == null && !readers.read(device);
      if (free && (now || unused(snapshot))) {
        return startMerge(snapshot);
      }
      Phase next = now || snapshot.phase() == Phase.QUEUED ? Phase.QUEUED : Phase.WAITING;
      if (snapshot.phase() != next) {
        put(snapshot.in(next));
        LOG.info(
            "snapshot {}: will be merged {}",
            device,
            next == Phase.QUEUED
                ? "after the merge or export under way"
                : "when nobody is logged in to " + snapshot.volume());
      }
      return snapshot.in(next);
    } finally {
      changes.unlock();
    }
  }

  /** Whether nobody is logged in to the volume or to the snapshot. */
  private boolean unused(SnapshotState snapshot) {
    return initiators.sessions(snapshot.volume()) == 0
        && initiators.sessions(snapshot.device()) == 0;
  }

  private SnapshotState startMerge(SnapshotState snapshot) throws RefusedException {
    String device = snapshot.device();
    SnapshotState merging = snapshot.in(Phase.MERGING);
    try {
      detach(device);
      put(merging);
      devices.startMerge(merging);
      watch.add(merging.volume(), device);
    } catch (RefusedException e) {
      put(snapshot.in(Phase.READY));
      throw e;
    }
    LOG.info("volume {}: being rolled back to {}", snapshot.volume(), device);
    initiators.contentsChanged(snapshot.volume());
    return merging;
  }

  /** A merge has nothing left to do. Called by {@link MergeWatch}. */
  private void mergeEnded(String device) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = existing(device);
      String volume = snapshot.volume();
      devices.endMerge(volume);
      put(snapshot.in(Phase.REMOVING));
      forget(snapshot);
      LOG.info("volume {}: rolled back to {}", volume, device);
    } finally {
      changes.unlock();
    }
  }

  /** Starts the merges that wait and need not wait any more. */
  private void startWaiting() {
    if (!changes.lockUnlessOver()) {
      return;
    }
    try {
      for (SnapshotState snapshot : List.copyOf(state.state().snapshots().values())) {
        String volume = snapshot.volume();
        Phase phase = snapshot.phase();
        if ((phase == Phase.QUEUED || phase == Phase.WAITING)
            && volumes.containsKey(volume)
            && merging(volume) == null
            && !readers.read(snapshot.device())
            && (phase == Phase.QUEUED || unused(snapshot))) {
          try {
            startMerge(snapshot);
          } catch (RefusedException e) {
            LOG.error("snapshot {}: cannot be merged: {}", snapshot.device(), e.getMessage());
          }
        }
      }
    } finally {
      changes.unlock();
    }
  }

  private @Nullable SnapshotState merging(String volume) {
    return state.state().snapshots().values().stream()
        .filter(snapshot -> snapshot.volume().equals(volume) && snapshot.phase() == Phase.MERGING)
        .findAny()
        .orElse(null);
  }

  /** Pauses a merge, or lets it go on; also over a restart. */
  public void pause(String device, boolean paused) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = existing(device);
      if (snapshot.phase() != Phase.MERGING) {
        throw new RefusedException("snapshot " + device + " is not being merged");
      }
      devices.message(snapshot.volume(), paused ? "pause" : "resume");
      put(snapshot.withPaused(paused));
    } finally {
      changes.unlock();
    }
  }

  /** How far a merge is; null when the snapshot is not being merged, or no more there. */
  public @Nullable MergeStatus progress(String device) throws RefusedException {
    SnapshotState snapshot = state.state().snapshot(device);
    if (snapshot == null || snapshot.phase() != Phase.MERGING) {
      return null;
    }
    try {
      return MergeStatus.parse(devices.message(snapshot.volume(), "progress"));
    } catch (RefusedException e) {
      SnapshotState now = state.state().snapshot(device);
      if (now == null || now.phase() != Phase.MERGING || !devices.isMerging(snapshot.volume())) {
        return null; // its table is being made, or it ended in between
      }
      throw e;
    }
  }

  /** What an administrator should know of stores: those that cannot grow, space that gets short. */
  public List<String> warnings() {
    return stores.warnings();
  }

  /** All snapshots, or those of a volume. */
  public List<SnapshotState> list(@Nullable String volume) {
    List<SnapshotState> all = new ArrayList<>(state.state().snapshots().values());
    all.removeIf(snapshot -> volume != null && !snapshot.volume().equals(volume));
    return all;
  }

  /** The status of a snapshot's device, as dmsetup prints it behind the type; "" without one. */
  public String status(SnapshotState snapshot) {
    return devices.status(snapshot);
  }

  /** Begins no more merges; those under way stop when their devices go, and go on after a start. */
  public void close() {
    watch.close();
    stores.close();
  }
}
