// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.device;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.anabranch.block.SharedDevice;
import org.anabranch.block.Tenure;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TableSpec;
import org.anabranch.block.snapshot.CowArguments;
import org.anabranch.block.snapshot.MergeHandle;
import org.anabranch.block.snapshot.MergeSpec;
import org.anabranch.block.snapshot.OriginSpec;
import org.anabranch.block.snapshot.SnapshotHandle;
import org.anabranch.block.snapshot.SnapshotSpec;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.SnapshotName;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.storage.NotWholeException;
import org.anabranch.server.storage.OverdueException;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.stores.StorePlaces;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mapped devices behind {@link Snapshots}: what it decides, done with tables. One call at a
 * time, except {@link #merge} and {@link #status}.
 *
 * <pre>
 *   volume                        snapshot-origin FILE
 *   its snapshots                 snapshot        FILE STORE P chunk
 *   volume while it rolls back    snapshot-merge  FILE STORE P chunk
 *     behind the snapshot's end   snapshot-origin FILE
 *   the snapshot meanwhile,       snapshot        FILE STORE P chunk 1 merged_origin
 *     if it is kept
 * </pre>
 */
public final class SnapshotDevices {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotDevices.class);

  private final Storage storage;
  private final LiveConfiguration live;
  private final Initiators initiators;
  private final Readers readers;
  private final StorePlaces places;

  /** Volumes that an import writes to; any thread looks at it. */
  private final Set<String> receiving = ConcurrentHashMap.newKeySet();

  public SnapshotDevices(
      Storage storage,
      LiveConfiguration live,
      Initiators initiators,
      Readers readers,
      StorePlaces places) {
    this.storage = storage;
    this.live = live;
    this.initiators = initiators;
    this.readers = readers;
    this.places = places;
  }

  /** Refuses what can't be a snapshot's name. */
  public static void checkName(String name) throws RefusedException {
    SnapshotName.check(name);
  }

  /**
   * Makes the snapshot's own device, suspended, and its store. What takes long is done here, while
   * the volume is in use.
   */
  public void prepare(SnapshotState snapshot) throws RefusedException {
    storage.devices().prepare("snapshot " + snapshot.device(), snapshot.device(), table(snapshot));
  }

  /**
   * Takes the snapshots: their devices have what the volumes have at this moment, the same for all.
   * What the snapshots have is durable afterwards: a snapshot reads from its volume what has not
   * changed since, and a power cut must not take that back. Volumes are not flushed while they are
   * suspended, so that writes wait for the moment of the snapshot only, but before, so that little
   * is left, and afterwards.
   *
   * <p>All or none: when one cannot be taken, none is to be kept.
   */
  public void take(List<SnapshotState> snapshots) throws RefusedException {
    List<String> volumes = snapshots.stream().map(SnapshotState::volume).sorted().toList();
    flushNames(volumes);
    whileSuspended(
        volumes,
        () -> {
          for (SnapshotState snapshot : snapshots) {
            Stages.<@Nullable Void>await(
                snapshot.device(), storage.mapper().resume(snapshot.device()));
          }
        });
    flushNames(volumes);
    snapshots.forEach(this::mark);
  }

  /**
   * Makes durable what was written to snapshots: a rollback that is recorded must not lose it to a
   * power cut.
   */
  public void flush(List<SnapshotState> snapshots) throws RefusedException {
    flushNames(
        snapshots.stream()
            .map(SnapshotState::device)
            .filter(device -> storage.devices().has(device))
            .toList());
  }

  /** But not what somebody has suspended: that would wait until it is resumed. */
  private void flushNames(List<String> devices) throws RefusedException {
    for (String device : devices) {
      if (!isSuspended(device)) {
        storage.devices().flush(device);
      }
    }
  }

  private boolean isSuspended(String device) throws RefusedException {
    try {
      return storage.mapper().info(device).suspended();
    } catch (TableException e) {
      throw new RefusedException(device + ": " + e.getMessage(), e);
    }
  }

  /** An import writes to a volume from now on: it has no snapshot taken, and is not merged. */
  public void receiving(String volume) {
    receiving.add(volume);
  }

  /** It does no more. */
  public void received(String volume) {
    receiving.remove(volume);
  }

  /**
   * Refuses a volume whose device somebody else has changed, see {@link VolumeTable}, or that an
   * import writes to.
   */
  public void refuseForeignTable(String volume) throws RefusedException {
    if (receiving.contains(volume)) {
      throw new RefusedException(
          "volume " + volume + " is being written by volume import; wait for its end");
    }
    VolumeTable.refuseForeign(storage, volume(volume));
  }

  /** Refuses a volume that another server has now. */
  public void refuseStandby(String volume) throws RefusedException {
    SharedDevice shared = storage.shared(volume);
    if (shared != null && !(shared.tenure() instanceof Tenure.Active)) {
      throw new RefusedException(
          "volume " + volume + " is served by another server now: ask that one");
    }
  }

  /** Refuses a snapshot whose device somebody else has changed; waits as for a volume. */
  public void refuseForeignTable(SnapshotState snapshot) throws RefusedException {
    if (!storage.devices().has(snapshot.device())) {
      return;
    }
    try {
      MappedDevice device = storage.mapper().device(snapshot.device());
      if (device.loadedTable() != null || device.targets(SnapshotHandle.class).size() != 1) {
        throw new RefusedException(
            "snapshot "
                + snapshot.device()
                + " has a table that the server did not make: see dm table, and dm table --inactive;"
                + " dm clear "
                + snapshot.device()
                + " takes a loaded one away");
      }
      storage.devices().settle(snapshot.device());
    } catch (TableException e) {
      throw new RefusedException(snapshot.device() + ": " + e.getMessage(), e);
    }
  }

  private interface Step {
    CompletionStage<@Nullable Void> begin() throws RefusedException;
  }

  private interface Work {
    void run() throws RefusedException;
  }

  /**
   * Nothing reaches the volumes while the work is done; what was under way has ended before. They
   * go on in any case: also behind a suspend that nobody waits for any longer, and that comes.
   *
   * @param volumes in order, so that two that do this at once do not wait for each other
   */
  private void whileSuspended(List<String> volumes, Work work) throws RefusedException {
    RefusedException failure = null;
    List<String> begun = new ArrayList<>();
    try {
      for (String volume : volumes) {
        begun.add(volume);
        Stages.<@Nullable Void>await(volume, storage.mapper().suspend(volume, SuspendMode.FLUSH));
      }
      work.run();
    } catch (RefusedException e) {
      failure = e;
    }
    for (String volume : begun) {
      try {
        Stages.<@Nullable Void>await(volume, storage.mapper().resume(volume));
      } catch (RefusedException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** Lets requests to a volume wait until {@link #resume}. */
  public void suspend(String volume) throws RefusedException {
    Stages.<@Nullable Void>await(volume, storage.mapper().suspend(volume, SuspendMode.FLUSH));
  }

  /** Lets requests to a volume go on, if they wait. */
  public void resume(String volume) throws RefusedException {
    if (isSuspended(volume)) {
      Stages.<@Nullable Void>await(volume, storage.mapper().resume(volume));
    }
  }

  /** The table of the snapshot's own device. */
  private TableSpec table(SnapshotState snapshot) throws RefusedException {
    CowArguments arguments = arguments(snapshot, snapshot.deviceStore());
    boolean merging = snapshot.phase() == SnapshotState.Phase.MERGING;
    return TableSpec.of(
        snapshot.sectors(), new SnapshotSpec(merging ? arguments.ofMergedOrigin() : arguments));
  }

  private void mark(SnapshotState snapshot) {
    if (snapshot.readOnly()) {
      storage.devices().readOnly(snapshot.device());
    }
  }

  /**
   * Makes the device of a snapshot that the state file knows.
   *
   * @throws NotWholeException when that cannot be; the volume must not be written without it
   */
  public void restore(SnapshotState snapshot) throws NotWholeException {
    try {
      for (String store : new TreeSet<>(List.of(snapshot.store(), snapshot.deviceStore()))) {
        places.refuseUnlessStore(snapshot.volume(), store, snapshot.chunkSectors());
      }
      if (snapshot.phase() != SnapshotState.Phase.MERGING || snapshot.keeps()) {
        storage
            .devices()
            .create("snapshot " + snapshot.device(), snapshot.device(), table(snapshot));
        mark(snapshot);
      }
    } catch (RefusedException e) {
      throw lost(snapshot, e);
    }
  }

  /** Why a volume cannot be served whose snapshot cannot be. */
  public static NotWholeException lost(SnapshotState snapshot, RefusedException reason) {
    String device = snapshot.device();
    boolean merging = snapshot.phase() == SnapshotState.Phase.MERGING;
    String words = String.valueOf(reason.getMessage()).replace("snapshot " + device + ": ", "");
    return new NotWholeException(
        "volume " + snapshot.volume(),
        (merging
                ? "it was being rolled back to " + device + ", which cannot go on"
                : "its snapshot " + device + " cannot be activated, and would be destroyed")
            + ": "
            + words,
        "put "
            + snapshot.store()
            + " right, then: anabranch volume retry "
            + snapshot.volume()
            + "; or give the snapshot up: anabranch snapshot remove --force "
            + device,
        reason);
  }

  /** The volume cannot be served. */
  public void withdraw(VolumeConfig volume, NotWholeException reason) throws RefusedException {
    storage.withdraw(volume, reason);
  }

  private CowArguments arguments(SnapshotState snapshot, String store) throws RefusedException {
    return new CowArguments(
        file(snapshot.volume()), new DeviceRef.AtPath(store), snapshot.chunkSectors());
  }

  private DeviceRef file(String volume) throws RefusedException {
    return new DeviceRef.AtPath(volume(volume).source().address());
  }

  public VolumeConfig volume(String name) throws RefusedException {
    VolumeConfig volume = live.served(name);
    if (volume == null) {
      storage.refuseIfLeftOut(name);
      throw RefusedException.absent("volume", name, live.served().keySet());
    }
    return volume;
  }

  public long sectors(String volume) throws RefusedException {
    try {
      return storage.mapper().device(volume).sectors();
    } catch (TableException e) {
      throw new RefusedException("volume " + volume + ": " + e.getMessage(), e);
    }
  }

  /** Lets LUNs that name the snapshot's device be there. A failure is logged. */
  public void attach(String device) {
    try {
      initiators.appeared(device);
    } catch (RefusedException e) {
      LOG.error("snapshot {}: there, but not as a LUN: {}", device, e.getMessage());
    }
  }

  /**
   * Takes the snapshot's LUNs away; refused while it is open for something else. {@link #attach}
   * when it was refused.
   */
  public void detach(String device) throws RefusedException {
    if (readers.read(device)) {
      throw new RefusedException(
          "snapshot " + device + " is being read or exported; wait for that, or interrupt it");
    }
    initiators.vanishing(device);
    if (storage.devices().has(device) && storage.devices().isHeld(device)) {
      List<String> above = storage.devices().above(device);
      throw new RefusedException(
          "snapshot "
              + device
              + (above.isEmpty()
                  ? " is in use"
                  : " is part of " + String.join(", ", above) + ": remove that first"));
    }
  }

  /** Loads the second store of a snapshot that is kept, while everybody goes on. */
  void prepareKept(SnapshotState merging) throws RefusedException {
    Stages.<@Nullable Void>await(
        merging.device(), storage.mapper().load(merging.device(), table(merging)));
  }

  /** The same undone. */
  void dropKept(SnapshotState snapshot) throws RefusedException {
    if (storage.devices().has(snapshot.device())) {
      Stages.<@Nullable Void>await(snapshot.device(), storage.mapper().clear(snapshot.device()));
    }
  }

  /**
   * The volumes take the stores over from the snapshots' devices, at one instant. The device of a
   * snapshot that is kept has its second store loaded: it goes on with that.
   *
   * @throws OverdueException when one may still begin
   * @throws RefusedException when none began, and everything is as it was
   */
  public void startMerges(List<SnapshotState> snapshots) throws RefusedException {
    var mapper = storage.mapper();
    List<SnapshotState> byVolume =
        snapshots.stream().sorted(Comparator.comparing(SnapshotState::volume)).toList();
    try {
      for (SnapshotState each : byVolume) {
        loadMerge(each);
      }
      for (SnapshotState each : byVolume) {
        if (storage.devices().has(each.device())) {
          Stages.<@Nullable Void>await(
              each.device(), mapper.suspend(each.device(), SuspendMode.FLUSH));
        }
      }
      if (byVolume.size() > 1) { // a single one is suspended by its resume
        for (SnapshotState each : byVolume) {
          Stages.<@Nullable Void>await(
              each.volume(), mapper.suspend(each.volume(), SuspendMode.FLUSH));
        }
      }
    } catch (RefusedException e) {
      byVolume.forEach(each -> stay(each, e));
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    }
    resumeAsMerges(byVolume);
  }

  private void resumeAsMerges(List<SnapshotState> snapshots) throws RefusedException {
    var mapper = storage.mapper();
    OverdueException overdue = null;
    boolean begun = false;
    for (SnapshotState each : snapshots) {
      CompletionStage<@Nullable Void> merges = mapper.resume(each.volume());
      CompletionStage<@Nullable Void> kept =
          each.keeps()
              ? merges.thenCompose(done -> mapper.resume(each.device())) // however late
              : merges;
      try {
        Stages.<@Nullable Void>await(each.volume(), merges);
        awaitKept(each, kept);
      } catch (OverdueException e) {
        overdue = e; // there is no way back: it has begun, or it will
      } catch (RefusedException e) {
        if (!begun) {
          snapshots.forEach(all -> stay(all, e));
          throw e;
        }
        LOG.error(
            "volume {}: the rollback begins with the next start: {}",
            each.volume(),
            e.getMessage());
      }
      begun = true;
    }
    if (overdue != null) {
      throw overdue;
    }
    snapshots.stream().filter(each -> !each.keeps()).forEach(this::handedOver);
  }

  private static void awaitKept(SnapshotState snapshot, CompletionStage<@Nullable Void> kept) {
    try {
      Stages.<@Nullable Void>await(snapshot.device(), kept);
    } catch (RefusedException e) {
      LOG.error("snapshot {}: the rollback has begun, but: {}", snapshot.device(), e.getMessage());
    }
  }

  /**
   * The volume takes the store of a merge over that a stop or crash has interrupted.
   *
   * @throws OverdueException when it may still begin
   */
  public void goOnWithMerge(SnapshotState merging) throws RefusedException {
    String volume = merging.volume();
    try {
      loadMerge(merging);
      Stages.<@Nullable Void>await(volume, storage.mapper().resume(volume));
    } catch (OverdueException e) {
      throw e;
    } catch (RefusedException e) {
      back(e, () -> storage.mapper().reload(volume, originTable(volume)), volume);
      throw e;
    }
  }

  private void loadMerge(SnapshotState snapshot) throws RefusedException {
    String volume = snapshot.volume();
    long end = snapshot.sectors();
    long behind = sectors(volume) - end;
    TableSpec table = TableSpec.of(end, new MergeSpec(arguments(snapshot, snapshot.store())));
    if (behind > 0) { // the volume has grown; newer snapshots see what is there, too
      table = table.and(behind, new OriginSpec(file(volume)));
    }
    Stages.<@Nullable Void>await(volume, storage.mapper().load(volume, table));
    prepareMerge(snapshot);
  }

  /** What holds from the first batch on. */
  private void prepareMerge(SnapshotState snapshot) throws RefusedException {
    try {
      MappedDevice device = storage.mapper().device(snapshot.volume());
      for (MergeHandle merge : device.loadedTargets(MergeHandle.class)) {
        merge.throttle(snapshot.throttle());
        if (snapshot.paused()) {
          merge.pause();
        }
      }
    } catch (TableException e) {
      throw new RefusedException(snapshot.volume() + ": " + e.getMessage(), e);
    }
  }

  /** Everything is to be as it was. */
  private void stay(SnapshotState snapshot, RefusedException reason) {
    String volume = snapshot.volume();
    String device = snapshot.device();
    back(reason, () -> storage.mapper().reload(volume, originTable(volume)), volume);
    if (storage.devices().has(device)) {
      if (snapshot.keeps()) {
        back(reason, () -> storage.mapper().clear(device), device);
      }
      back(reason, () -> storage.mapper().resume(device), device);
    }
  }

  private static void back(RefusedException reason, Step step, String what) {
    try {
      Stages.<@Nullable Void>await(what, step.begin());
    } catch (RefusedException e) {
      reason.addSuppressed(e);
      LOG.error("{}: not as it was before a rollback that did not begin: {}", what, e.getMessage());
    }
  }

  /** What is left to do must not stop a merge that runs. */
  private void handedOver(SnapshotState snapshot) {
    try {
      if (storage.devices().has(snapshot.device())) {
        storage.devices().remove(snapshot.device());
      }
    } catch (RefusedException e) {
      LOG.error("snapshot {}: the rollback has begun, but: {}", snapshot.device(), e.getMessage());
    }
  }

  /** A merge that failed begins again. */
  public void reactivate(String volume) throws RefusedException {
    whileSuspended(List.of(volume), () -> {});
  }

  /** The volume is a volume with its other snapshots again. */
  public void endMerge(String volume) throws RefusedException {
    Stages.<@Nullable Void>await(volume, storage.mapper().reload(volume, originTable(volume)));
  }

  private TableSpec originTable(String volume) throws RefusedException {
    return TableSpec.of(sectors(volume), new OriginSpec(file(volume)));
  }

  /** The merge that the volume's live table makes; null when it makes none. */
  public @Nullable MergeHandle merge(String volume) {
    try {
      List<MergeHandle> merges = storage.mapper().device(volume).targets(MergeHandle.class);
      return merges.isEmpty() ? null : merges.getFirst();
    } catch (TableException e) {
      return null;
    }
  }

  /** The state of a snapshot and its store; null while it is being made, merged or removed. */
  public @Nullable SnapshotStatus state(SnapshotState snapshot) {
    try {
      var handles = storage.mapper().device(snapshot.device()).targets(SnapshotHandle.class);
      return handles.isEmpty() ? null : handles.getFirst().snapshotStatus();
    } catch (TableException e) {
      return null;
    }
  }

  /** The same as dmsetup prints it; "" for null. */
  public String status(SnapshotState snapshot) {
    SnapshotStatus state = state(snapshot);
    return state == null ? "" : state.toString();
  }
}
