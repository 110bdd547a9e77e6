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
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.storage.LeftOut;
import org.anabranch.server.storage.NotWholeException;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The life of snapshots.
 *
 * <pre>
 *   create   state: CREATING   store file made, loaded   volume suspended, snapshot device
 *            resumed, volume resumed   state: READY
 *   remove   state: REMOVING   device removed    store deleted       entry gone
 *   merge    state: WAITING until nobody is logged in, or to be now and QUEUED behind another
 *            ({@link Merges});
 *            state: MERGING    the volume's table becomes snapshot-merge and takes the store over
 *            from the snapshot's device, which is removed; in the end the volume's table becomes
 *            snapshot-origin again, then as remove
 * </pre>
 *
 * {@link SnapshotState} says what a start does with what a crash left. While a snapshot is taken
 * the volume is suspended: what was written before is in it, what is written later is not, and
 * nothing fails. One change at a time; the block layer goes on meanwhile. A file that is in a
 * store's place is refused and left alone: it may be all that is left of another snapshot.
 */
public final class Snapshots implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(Snapshots.class);
  private static final String FOLDER = "cow";

  /** A file system whose files cannot be this long, bytes, is not one for stores. */
  private static final long LEAST_STORE = 64 << 20;

  private final Storage storage;
  private final Entries entries;
  private final Path folder;
  private final Map<String, VolumeConfig> volumes;
  private final Changes changes;
  private final Initiators initiators;
  private final Readers readers = new Readers();
  private final SnapshotDevices devices;
  private final Stores stores;
  private final Merges merges;
  private final Conditions conditions;

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
    this.entries = new Entries(storage, state);
    this.folder = folder.resolve(FOLDER).toAbsolutePath();
    this.volumes = volumes;
    this.changes = changes;
    this.initiators = initiators;
    this.devices = new SnapshotDevices(storage, volumes, initiators, readers);
    this.stores = new Stores(storage, storesConfig, this.folder, entries::all, devices);
    this.merges =
        new Merges(storage.mapper(), entries, volumes, changes, initiators, devices, readers);
    this.conditions = new Conditions(entries, volumes, devices, storage.mapper());
  }

  /**
   * Brings back what the state file knows, and ends what a crash interrupted. The volumes' devices
   * are there, and nobody uses them yet. A volume whose snapshots cannot all be activated is left
   * out, and taken out of the map of volumes.
   */
  public void restore() throws RefusedException {
    changes.lock();
    try {
      volumes.keySet().removeIf(name -> storage.leftOut().get(name) != null);
      for (SnapshotState snapshot : entries.all()) {
        if (snapshot.phase() == Phase.CREATING || snapshot.phase() == Phase.REMOVING) {
          entries.forget(snapshot);
        } else if (!volumes.containsKey(snapshot.volume())) {
          LOG.warn("snapshot {}: its volume is not served; left alone", snapshot.device());
        }
      }
      for (VolumeConfig volume : List.copyOf(volumes.values())) {
        restore(volume);
      }
      tellOfStrangers();
    } finally {
      changes.unlock();
    }
  }

  /**
   * The same for one volume, by its turn.
   *
   * @return whether it can be served
   */
  public boolean restore(VolumeConfig volume) throws RefusedException {
    try {
      for (SnapshotState snapshot : list(volume.name())) {
        if (snapshot.phase() != Phase.MERGING) {
          stores.opening(snapshot);
        }
        devices.restore(snapshot);
      }
      return true;
    } catch (NotWholeException e) {
      volumes.remove(volume.name());
      storage.withdraw(volume, e);
      return false;
    }
  }

  /** Stores that no snapshot has: somebody put them there, or an older state file. */
  private void tellOfStrangers() throws RefusedException {
    List<Path> known = entries.all().stream().map(SnapshotState::store).toList();
    List<Path> strangers = StoreFile.in(folder);
    strangers.removeAll(known);
    if (!strangers.isEmpty()) {
      LOG.warn(
          "{} has files that belong to no snapshot, such as {}: {} in all",
          folder,
          strangers.getFirst().getFileName(),
          strangers.size());
    }
  }

  /**
   * Lets the merges go on that were under way, and those start that waited. Every device that must
   * see what they write to a volume is there: {@link #restore} first, and {@code dm}'s.
   */
  public void resumeMerges() throws RefusedException {
    merges.open();
    stores.start();
  }

  /** The same for the merge of a volume that was left out, by its turn. */
  public void resumeMerges(VolumeConfig volume) throws RefusedException {
    SnapshotState merging = merges.merging(volume.name());
    if (merging != null) {
      merges.goOn(merging);
    }
  }

  /**
   * Takes a snapshot.
   *
   * @param chunkSectors a power of two
   * @param storeBytes how large its store is at first, not negative; 0: as large as it can need
   * @param readOnly initiators cannot write it
   */
  public SnapshotState create(
      String volume, String name, int chunkSectors, long storeBytes, boolean readOnly)
      throws RefusedException {
    SnapshotDevices.checkName(name);
    if (storeBytes < 0) {
      throw new RefusedException("snapshot " + name + ": a store of " + storeBytes + " bytes");
    }
    changes.lock();
    try {
      Path origin = devices.volume(volume).path();
      String device = volume + "@" + name;
      if (entries.state().snapshot(device) != null) {
        throw new RefusedException(
            "snapshot " + device + " exists; remove it first, or name another");
      }
      Path store = folder.resolve(device + ".cow");
      StoreFile.refuseIfThere(store);
      SnapshotState merging = merges.merging(volume);
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
              origin,
              store,
              sectors,
              chunkSectors,
              readOnly,
              Instant.now().truncatedTo(ChronoUnit.SECONDS),
              Phase.CREATING,
              false,
              0);
      long sufficient = StoreFile.sufficient(sectors, chunkSectors);
      long bytes = storeBytes == 0 ? sufficient : storeBytes;
      long least = storeBytes == 0 ? Math.min(bytes, LEAST_STORE) : storeBytes;
      entries.put(snapshot);
      try {
        long made = StoreFile.make(store, bytes, least, entries.steps());
        if (made < bytes) {
          LOG.warn(
              "snapshot {}: its store has {}, the most that a file can have there; {} would hold"
                  + " every change",
              device,
              Sizes.bytes((double) made),
              Sizes.bytes((double) bytes));
        }
        stores.opening(snapshot);
        devices.prepare(snapshot);
        entries.steps().taken("store loaded");
        devices.take(snapshot);
        entries.steps().taken("snapshot taken");
        entries.put(snapshot.in(Phase.READY));
      } catch (RefusedException | RuntimeException e) {
        undo(snapshot, e);
        throw e;
      }
      LOG.info("snapshot {}: taken", device);
      devices.attach(device);
      return snapshot.in(Phase.READY);
    } finally {
      changes.unlock();
    }
  }

  private void undo(SnapshotState snapshot, Exception reason) {
    try {
      entries.forget(snapshot);
    } catch (RefusedException e) {
      reason.addSuppressed(e); // the next start ends it
      LOG.error("snapshot {}: {}", snapshot.device(), e.getMessage());
    }
  }

  /**
   * Removes a snapshot. What changed since it was taken stays.
   *
   * @param force also when sessions have it as a LUN, and in a merge that cannot go on because the
   *     snapshot is invalid
   */
  public void remove(String device, boolean force) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = entries.existing(device);
      LeftOut.Entry leftOut = storage.leftOut().get(snapshot.volume());
      if (leftOut != null && !force) {
        throw new RefusedException(
            "snapshot "
                + device
                + ": its volume is not served: "
                + leftOut.text()
                + "; --force gives the snapshot up"
                + (snapshot.phase() == Phase.MERGING
                    ? ", and leaves the volume as it is, partly rolled back"
                    : ""));
      }
      if (snapshot.phase() == Phase.MERGING && leftOut == null) {
        merges.giveUp(snapshot, force);
        return;
      }
      refuseUnderSessions(device, force);
      try {
        devices.detach(device);
        entries.put(snapshot.in(Phase.REMOVING));
      } catch (RefusedException e) {
        devices.attach(device);
        throw e;
      }
      entries.forget(snapshot);
      LOG.info("snapshot {}: removed", device);
    } finally {
      changes.unlock();
    }
  }

  private void refuseUnderSessions(String device, boolean force) throws RefusedException {
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
  }

  /**
   * Lets a snapshot be read; it is neither removed nor merged until that is closed. Refused while
   * it is being made, merged or removed.
   */
  public Readers.Reading read(String device) throws RefusedException {
    changes.lock();
    try {
      return readers.begin(storage, Readers.standing(entries.existing(device)));
    } finally {
      changes.unlock();
    }
  }

  /**
   * Rolls a volume back to a snapshot, now or when nobody is logged in to the volume. Several for a
   * volume take place in the order in which they were asked for; and one waits for an export of its
   * snapshot. One that stopped at an error begins again.
   *
   * @param now also under initiators; those that have the snapshot as a LUN lose it
   * @return the snapshot in its new phase
   */
  public SnapshotState merge(String device, boolean now) throws RefusedException {
    return merges.merge(device, now);
  }

  /**
   * Takes back what {@link #merge} asked for, as long as it waits.
   *
   * @return the snapshot, ready again
   */
  public SnapshotState cancelMerge(String device) throws RefusedException {
    return merges.cancel(device);
  }

  /**
   * Pauses a merge, or lets it go on; also over a restart. To let one go on that stopped at an
   * error begins it again, and is refused when it fails at once.
   */
  public void pause(String device, boolean paused) throws RefusedException {
    merges.pause(device, paused);
  }

  /** How far a merge is; null when the snapshot is not being merged, or no more there. */
  public @Nullable MergeStatus progress(String device) throws RefusedException {
    return merges.progress(device);
  }

  /** Stores that cannot grow, space that gets short, snapshots and merges that have failed. */
  @Override
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>(conditions.warnings());
    warnings.addAll(stores.warnings());
    return warnings;
  }

  /** Whether a file is in the folder of the stores. */
  public boolean isStore(Path path) {
    return path.startsWith(folder);
  }

  /** How stores grow from now on. */
  public void stores(StoresConfig config) {
    stores.config(config);
  }

  /** All snapshots, or those of a volume. */
  public List<SnapshotState> list(@Nullable String volume) {
    return entries.all().stream()
        .filter(snapshot -> volume == null || snapshot.volume().equals(volume))
        .toList();
  }

  /** The status of a snapshot's device, as dmsetup prints it behind the type; "" without one. */
  public String status(SnapshotState snapshot) {
    return devices.status(snapshot);
  }

  /** Begins no more merges; those under way stop when their devices go, and go on after a start. */
  public void close() {
    merges.close();
    stores.close();
  }
}
