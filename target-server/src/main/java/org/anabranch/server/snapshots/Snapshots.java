// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.Hooks;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.snapshots.device.Initiators;
import org.anabranch.server.snapshots.device.KeptStores;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.snapshots.device.Stores;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.snapshots.merge.MergeStatus;
import org.anabranch.server.snapshots.merge.MergeWait;
import org.anabranch.server.snapshots.merge.Merges;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.storage.LeftOut;
import org.anabranch.server.storage.NotWholeException;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.shared.SharedImages;
import org.anabranch.server.stores.StorePlaces;
import org.anabranch.server.stores.StrayStores;
import org.anabranch.server.uses.Uses;
import org.jspecify.annotations.Nullable;

/**
 * The life of snapshots.
 *
 * <pre>
 *   create   state: CREATING   store file made, loaded   volume suspended, snapshot device
 *            resumed, volume resumed   state: READY
 *   remove   state: REMOVING   device removed    store deleted       entry gone
 *   merge    state: WAITING until nobody uses the volume, or to be now and QUEUED behind another
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
  private final Storage storage;
  private final SnapshotRegistry registry;
  private final Path folder;
  private final LiveConfiguration live;
  private final Changes changes;
  private final Initiators initiators;
  private final Readers readers = new Readers();
  private final SnapshotDevices devices;
  private final Stores stores;
  private final Merges merges;
  private final SnapshotWarnings snapshotWarnings;
  private final StrayStores strays;
  private final SnapshotNames names;
  private final Adoption adoption;
  private final SnapshotRestore restore;
  private final Arrival arrival;
  private final SnapshotCreation creation;
  private final SnapshotRemoval removal;
  private final Receptions receptions;

  /**
   * @param folder the state directory
   * @param live changed from outside, by its turn in {@code changes}
   * @param uses who uses what; closed by whoever made it
   */
  public Snapshots(
      Storage storage,
      StateFile state,
      Path folder,
      LiveConfiguration live,
      Changes changes,
      Initiators initiators,
      Uses uses,
      Hooks hooks) {
    this.storage = storage;
    state.sharedBy(new SharedImages(storage::sharedImage));
    Supplier<List<SnapshotState>> all = () -> List.copyOf(state.state().snapshots().values());
    this.strays = new StrayStores(folder, all);
    StorePlaces places =
        new StorePlaces(strays, storage::sharedImage, () -> live.configured().stores().pool(), all);
    this.registry = new SnapshotRegistry(storage, state, places);
    this.folder = strays.folder();
    this.live = live;
    this.changes = changes;
    this.initiators = initiators;
    this.devices = new SnapshotDevices(storage, live, initiators, readers, places);
    this.stores =
        new Stores(storage, () -> live.configured().stores(), this.folder, registry, devices);
    KeptStores kept = new KeptStores(registry, stores, devices);
    this.merges =
        new Merges(registry, live, changes, initiators, devices, readers, uses, kept, hooks);
    this.names = new SnapshotNames(live, registry, storage, devices, readers, initiators, uses);
    SnapshotPlans plans = new SnapshotPlans(registry, devices, merges);
    this.adoption =
        new Adoption(registry, changes, devices, stores, plans, merges, initiators, folder);
    this.restore =
        new SnapshotRestore(storage, registry, live, changes, devices, stores, kept, strays, uses);
    this.arrival = new Arrival(storage, registry, changes, devices, restore, merges, initiators);
    this.creation = new SnapshotCreation(registry, changes, plans, devices, stores, hooks);
    this.removal =
        new SnapshotRemoval(
            live, storage, registry, changes, devices, strays, merges, initiators, uses);
    this.receptions = new Receptions(changes, devices, merges, creation);
    readers.whenEnded(merges::wake);
    this.snapshotWarnings = new SnapshotWarnings(registry, live, devices, storage, merges);
  }

  /**
   * Brings back what the state file knows, and ends what a crash interrupted. The volumes' devices
   * are there, and nobody uses them yet. A volume is left out if a snapshot cannot be activated.
   */
  public void restore() throws RefusedException {
    restore.restore();
  }

  /**
   * The same for one volume, by its turn.
   *
   * @return whether it can be served
   */
  public boolean restore(VolumeConfig volume) throws RefusedException {
    return restore.restore(volume);
  }

  /** What becomes of snapshots when a volume comes here from another server, or goes there. */
  public Arrival arrival() {
    return arrival;
  }

  private List<Warning> strayWarnings() {
    try {
      return strays.warnings(storage.leftOut().all().stream().map(LeftOut.Entry::name).toList());
    } catch (RefusedException e) {
      return List.of(
          new Warning(
              "folder " + folder,
              "it cannot be read: " + e.getMessage(),
              "see whether its file system is mounted and readable"));
    }
  }

  /**
   * Lets the merges go on that were under way. Every device that must see what they write to a
   * volume is there: {@link #restore} first, and {@code dm}'s.
   */
  public void resumeMerges() throws RefusedException {
    merges.open();
    stores.start();
  }

  /** Lets the merges begin that waited. All LUNs that show what is there are attached. */
  public void beginMerges() throws RefusedException {
    merges.begin();
  }

  /**
   * Lets the merge of a volume go on that was left out, and those begin that wait. By its turn; its
   * LUNs are attached.
   */
  public void resumeMerges(VolumeConfig volume) throws RefusedException {
    SnapshotState merging = merges.merging(volume.name());
    if (merging != null) {
      merges.goOn(merging);
    }
    merges.wake();
  }

  /** Takes one snapshot: see {@link #create(List, Hooks.Listener)}. */
  public SnapshotState create(
      String volume, String name, int chunkSectors, long storeBytes, boolean readOnly)
      throws RefusedException {
    return create(
            List.of(new Wanted(volume, name, chunkSectors, storeBytes, readOnly, "")),
            Hooks.Listener.NOBODY)
        .getFirst();
  }

  /** Refuses a volume that is left out or not configured. */
  public void refuseUnlessServed(String volume) throws RefusedException {
    var _ = devices.volume(volume);
  }

  /**
   * Takes snapshots of several volumes at one instant: a write that one of them has was
   * acknowledged before each write that another one has not. All or none, also when the server
   * crashes meanwhile.
   *
   * @param listener hears of hooks; they run without a turn in {@link Changes}
   */
  public List<SnapshotState> create(List<Wanted> wanted, Hooks.Listener listener)
      throws RefusedException {
    return creation.create(wanted, listener);
  }

  /** Why this cannot be taken now; null: it can. Nothing is made. */
  public @Nullable String refusal(Wanted wanted) throws RefusedException {
    return creation.refusal(wanted);
  }

  /**
   * Removes what a schedule has made, unless somebody uses it, reads it, wants to roll back to it,
   * or has made a LUN of it.
   */
  public void expire(SnapshotState old) throws RefusedException {
    removal.expire(old);
  }

  /**
   * Lets an import write to a volume. Until {@link #received} or {@link #receptionEnded}, no
   * snapshot of it is taken, and none is merged.
   *
   * @throws RefusedException while a merge or another import is under way
   */
  public void receiving(String volume) throws RefusedException {
    receptions.receiving(volume);
  }

  /** Refuses a snapshot that could not be taken, because of its name for instance. */
  public void refuseUnlessFree(String volume, String name) throws RefusedException {
    receptions.refuseUnlessFree(volume, name);
  }

  /** Nothing came of it. */
  public void receptionEnded(String volume) {
    receptions.receptionEnded(volume);
  }

  /**
   * What was imported is there: takes the read-only snapshot that says so.
   *
   * @param point what the volume holds now, see {@link SnapshotState#point}
   * @param created when that was taken where it comes from
   */
  public SnapshotState received(String volume, String name, String point, Instant created)
      throws RefusedException {
    return receptions.received(volume, name, point, created);
  }

  /** A volume cannot be served any more; nobody may be using it. */
  public void withdraw(String volume, NotWholeException reason) throws RefusedException {
    changes.lock();
    try {
      VolumeConfig config = devices.volume(volume);
      for (SnapshotState snapshot : list(volume)) {
        initiators.vanishing(snapshot.device());
      }
      initiators.vanishing(volume);
      live.withdraw(volume);
      storage.withdraw(config, reason);
    } finally {
      changes.unlock();
    }
  }

  /** Takes over a snapshot that Linux made: see {@link Adoption}. Not by a turn in Changes. */
  public SnapshotState adopt(Adoption.Request request) throws RefusedException {
    return adoption.adopt(request);
  }

  /**
   * Removes a snapshot. What changed since it was taken stays.
   *
   * @param force also when sessions have it as a LUN, when its merge waits to begin, which drops
   *     the rollback, and in a merge that cannot go on because the snapshot is invalid
   */
  public void remove(String device, boolean force) throws RefusedException {
    removal.remove(device, force);
  }

  /**
   * Gives a snapshot another name. It stays the same disk for the initiators that see it: its LUNs
   * made at run time follow; one of the configuration that names it goes.
   *
   * @param newName unique in its volume
   * @param force also when sessions have it as a LUN of the configuration
   * @return the snapshot under its new name
   */
  public SnapshotState rename(String device, String newName, boolean force)
      throws RefusedException {
    changes.lock();
    try {
      return names.rename(device, newName, force);
    } finally {
      changes.unlock();
    }
  }

  /** Notes something about a snapshot, in one line; empty takes the note away. */
  public SnapshotState describe(String device, String description) throws RefusedException {
    SnapshotNames.checkDescription(description);
    changes.lock();
    try {
      SnapshotState described = registry.existing(device).withDescription(description);
      registry.put(described);
      return described;
    } finally {
      changes.unlock();
    }
  }

  /**
   * Lets a snapshot be read; it is neither removed nor merged until that is closed. Refused while
   * it is being made, merged or removed.
   */
  public Readers.Reading read(String device) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = Readers.standing(registry.existing(device));
      storage.refuseIfLeftOut(snapshot.volume());
      return readers.begin(storage, snapshot);
    } finally {
      changes.unlock();
    }
  }

  /**
   * Rolls volumes back to snapshots, at one instant, all or none. Several merges of a volume take
   * place in the order in which they were asked for; and one waits for an export of its snapshot.
   * One that stopped at an error begins again. Where the snapshot itself is a LUN, that LUN goes,
   * unless the snapshot is kept: then nobody who uses it notices anything.
   *
   * @return the first snapshot in its new phase
   */
  public SnapshotState merge(MergeRequest request) throws RefusedException {
    return merge(request, Hooks.Listener.NOBODY).getFirst();
  }

  /** The same, without a turn in {@link Changes}: hooks may run, of which the listener hears. */
  public List<SnapshotState> merge(MergeRequest request, Hooks.Listener listener)
      throws RefusedException {
    return merges.merge(request, listener);
  }

  /** What the merge of a snapshot waits for. */
  public MergeWait waits(SnapshotState snapshot) {
    return merges.waits(snapshot);
  }

  /**
   * Takes back what {@link #merge} asked for, as long as it waits; for all that were to be merged
   * together.
   *
   * @return the snapshots, ready again
   */
  public List<SnapshotState> cancelMerge(List<String> devices) throws RefusedException {
    return merges.cancel(devices);
  }

  /**
   * Bounds a merge that runs or is to come; also over a restart.
   *
   * @param bytesPerSecond at most; 0: as many as it can
   */
  public SnapshotState throttle(String device, long bytesPerSecond) throws RefusedException {
    return merges.throttle(device, bytesPerSecond);
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

  /**
   * Why the end of a merge cannot be recorded that has nothing left to do: each second it is tried
   * again. Null: it can be, or it has not come to its end.
   */
  public @Nullable String unrecordedEnd(String device) {
    return merges.unrecordedEnd(device);
  }

  /** Stores that cannot grow, space that gets short, snapshots and merges that have failed. */
  @Override
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>(snapshotWarnings.warnings());
    warnings.addAll(stores.warnings());
    warnings.addAll(strayWarnings());
    return warnings;
  }

  /** Whether an address is that of a store. */
  public boolean isStore(String address) {
    return address.startsWith("/")
        ? Path.of(address).startsWith(folder)
        : storage.backends().ownerOf(address) != null;
  }

  /** All snapshots, or those of a volume. */
  public List<SnapshotState> list(@Nullable String volume) {
    return volume == null ? registry.all() : registry.of(volume);
  }

  /** Whether its volume is served, and the snapshot with it. */
  public boolean isServed(SnapshotState snapshot) {
    return live.served().containsKey(snapshot.volume());
  }

  /** The state of a snapshot's device; null without one. */
  public @Nullable SnapshotStatus state(SnapshotState snapshot) {
    return devices.state(snapshot);
  }

  /** Whether somebody reads a snapshot to export or compare it. */
  public boolean isRead(String device) {
    return readers.read(device);
  }

  /** Whether requests to a snapshot's device wait. */
  public boolean isSuspended(String device) {
    try {
      return storage.mapper().info(device).suspended();
    } catch (TableException e) {
      return false; // there is no such device
    }
  }

  /** The status of a snapshot's device, as dmsetup prints it behind the type; "" without one. */
  public String status(SnapshotState snapshot) {
    return devices.status(snapshot);
  }

  /** For tests: waits until every notification so far has been handled. */
  void settle() throws InterruptedException {
    merges.settle();
  }

  /** Begins no more merges; those under way stop when their devices go, and go on after a start. */
  public void close() {
    merges.close();
    stores.close();
  }
}
