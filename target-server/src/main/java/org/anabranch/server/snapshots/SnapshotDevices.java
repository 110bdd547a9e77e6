// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.dm.DeviceRef;
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
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.storage.NotWholeException;
import org.anabranch.server.storage.OverdueException;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mapped devices behind {@link Snapshots}: what it decides, done with tables. One call at a
 * time, except {@link #message} and {@link #status}.
 *
 * <pre>
 *   volume                        snapshot-origin FILE
 *   its snapshots                 snapshot        FILE STORE P chunk
 *   volume while it rolls back    snapshot-merge  FILE STORE P chunk
 *     behind the snapshot's end   snapshot-origin FILE
 * </pre>
 */
final class SnapshotDevices {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotDevices.class);

  private final Storage storage;
  private final Map<String, VolumeConfig> volumes;
  private final Initiators initiators;
  private final Readers readers;

  SnapshotDevices(
      Storage storage, Map<String, VolumeConfig> volumes, Initiators initiators, Readers readers) {
    this.storage = storage;
    this.volumes = volumes;
    this.initiators = initiators;
    this.readers = readers;
  }

  /** Refuses what can't be a snapshot's name. */
  static void checkName(String name) throws RefusedException {
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")) {
      throw new RefusedException(
          "not a snapshot's name: \""
              + name
              + "\"; allowed are 1 to 64 letters, digits, '.', '_', '+' and '-', the first one a"
              + " letter or digit");
    }
  }

  /**
   * Makes the snapshot's own device, suspended, and its store. What takes long is done here, while
   * the volume is in use.
   */
  void prepare(SnapshotState snapshot) throws RefusedException {
    storage.prepare("snapshot " + snapshot.device(), snapshot.device(), table(snapshot));
  }

  /** Takes the snapshot: its device has what the volume has at this moment. */
  void take(SnapshotState snapshot) throws RefusedException {
    whileSuspended(snapshot.volume(), () -> storage.mapper().resume(snapshot.device()));
    mark(snapshot);
  }

  private interface Step {
    CompletionStage<@Nullable Void> begin() throws RefusedException;
  }

  /**
   * Nothing reaches the volume while the step runs; what was under way has ended before. The volume
   * goes on in any case: also behind a suspend that nobody waits for any longer, and that comes.
   */
  private void whileSuspended(String volume, Step step) throws RefusedException {
    RefusedException failure = null;
    try {
      Stages.<@Nullable Void>await(volume, storage.mapper().suspend(volume, false));
      Stages.<@Nullable Void>await(volume, step.begin());
    } catch (RefusedException e) {
      failure = e;
    }
    try {
      Stages.<@Nullable Void>await(volume, storage.mapper().resume(volume));
    } catch (RefusedException e) {
      if (failure == null) {
        throw e;
      }
      failure.addSuppressed(e);
    }
    if (failure != null) {
      throw failure;
    }
  }

  private TableSpec table(SnapshotState snapshot) throws RefusedException {
    return TableSpec.of(snapshot.sectors(), new SnapshotSpec(arguments(snapshot)));
  }

  private void mark(SnapshotState snapshot) {
    if (snapshot.readOnly()) {
      storage.readOnly(snapshot.device());
    }
  }

  /**
   * Makes the device of a snapshot that the state file knows.
   *
   * @throws NotWholeException when that cannot be; the volume must not be written without it
   */
  void restore(SnapshotState snapshot) throws NotWholeException {
    try {
      StoreFile.refuseUnlessStore(snapshot.store());
      if (snapshot.phase() != SnapshotState.Phase.MERGING) {
        storage.create("snapshot " + snapshot.device(), snapshot.device(), table(snapshot));
        mark(snapshot);
      }
    } catch (RefusedException e) {
      throw lost(snapshot, e);
    }
  }

  /** Why a volume cannot be served whose snapshot cannot be. */
  static NotWholeException lost(SnapshotState snapshot, RefusedException reason) {
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
  void withdraw(VolumeConfig volume, NotWholeException reason) throws RefusedException {
    storage.withdraw(volume, reason);
  }

  private CowArguments arguments(SnapshotState snapshot) throws RefusedException {
    return new CowArguments(
        file(snapshot.volume()), DeviceRef.at(snapshot.store()), snapshot.chunkSectors());
  }

  private DeviceRef file(String volume) throws RefusedException {
    return DeviceRef.at(volume(volume).path());
  }

  VolumeConfig volume(String name) throws RefusedException {
    VolumeConfig volume = volumes.get(name);
    if (volume == null) {
      storage.refuseIfLeftOut(name);
      throw RefusedException.absent("volume", name, volumes.keySet());
    }
    return volume;
  }

  long sectors(String volume) throws RefusedException {
    try {
      return storage.mapper().device(volume).sectors();
    } catch (TableException e) {
      throw new RefusedException("volume " + volume + ": " + e.getMessage(), e);
    }
  }

  /** Lets LUNs that name the snapshot's device be there. A failure is logged. */
  void attach(String device) {
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
  void detach(String device) throws RefusedException {
    if (readers.read(device)) {
      throw new RefusedException(
          "snapshot " + device + " is being read or exported; wait for that, or interrupt it");
    }
    initiators.vanishing(device);
    if (storage.has(device) && storage.isHeld(device)) {
      List<String> above = storage.above(device);
      throw new RefusedException(
          "snapshot "
              + device
              + (above.isEmpty()
                  ? " is in use"
                  : " is part of " + String.join(", ", above) + ": remove that first"));
    }
  }

  /**
   * The volume takes the store over, from the snapshot's device if there is one.
   *
   * @throws OverdueException when it may still begin
   * @throws RefusedException when it did not begin, and everything is as it was
   */
  void startMerge(SnapshotState snapshot) throws RefusedException {
    String volume = snapshot.volume();
    String device = snapshot.device();
    var mapper = storage.mapper();
    long end = snapshot.sectors();
    long behind = sectors(volume) - end;
    TableSpec table = TableSpec.of(end, new MergeSpec(arguments(snapshot)));
    if (behind > 0) { // the volume has grown; newer snapshots see what is there, too
      table = table.and(behind, new OriginSpec(file(volume)));
    }
    boolean handover = storage.has(device);
    try {
      Stages.<@Nullable Void>await(volume, mapper.load(volume, table));
      if (handover) {
        Stages.<@Nullable Void>await(device, mapper.suspend(device, false));
      }
    } catch (RefusedException e) {
      stay(volume, handover ? device : null, e);
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    }
    try {
      Stages.<@Nullable Void>await(volume, mapper.resume(volume));
    } catch (OverdueException e) {
      throw e; // from here on there is no way back: it has begun, or it will
    } catch (RefusedException e) {
      stay(volume, handover ? device : null, e);
      throw e;
    }
    begun(snapshot, handover);
  }

  /** Everything is to be as it was. */
  private void stay(String volume, @Nullable String device, RefusedException reason) {
    back(reason, () -> storage.mapper().reload(volume, originTable(volume)), volume);
    if (device != null) {
      back(reason, () -> storage.mapper().resume(device), device);
    }
  }

  private static void back(RefusedException reason, Step step, String what) {
    try {
      Stages.<@Nullable Void>await(what, step.begin());
    } catch (RefusedException e) {
      reason.addSuppressed(e);
      LOG.error("{}: not as it was before a merge that did not begin: {}", what, e.getMessage());
    }
  }

  /** What is left to do must not stop a merge that runs. */
  private void begun(SnapshotState snapshot, boolean handover) {
    try {
      if (snapshot.paused()) {
        message(snapshot.volume(), "pause");
      }
      if (handover) {
        storage.remove(snapshot.device());
      }
    } catch (RefusedException e) {
      LOG.error("snapshot {}: the merge has begun, but: {}", snapshot.device(), e.getMessage());
    }
  }

  /** A merge that failed begins again. */
  void reactivate(String volume) throws RefusedException {
    whileSuspended(volume, () -> CompletableFuture.completedFuture(null));
  }

  /** The volume is a volume with its other snapshots again. */
  void endMerge(String volume) throws RefusedException {
    Stages.<@Nullable Void>await(volume, storage.mapper().reload(volume, originTable(volume)));
  }

  private TableSpec originTable(String volume) throws RefusedException {
    return TableSpec.of(sectors(volume), new OriginSpec(file(volume)));
  }

  /** Whether the volume's live table rolls it back. */
  boolean isMerging(String volume) {
    try {
      return !storage.mapper().device(volume).targets(MergeHandle.class).isEmpty();
    } catch (TableException e) {
      return false;
    }
  }

  /** Says a word to the merge of a volume; its reply. */
  String message(String volume, String word) throws RefusedException {
    return Stages.await(volume, storage.mapper().message(volume, 0, List.of(word)));
  }

  /** The state of a snapshot and its store; null while it is being made, merged or removed. */
  @Nullable SnapshotStatus state(SnapshotState snapshot) {
    try {
      var handles = storage.mapper().device(snapshot.device()).targets(SnapshotHandle.class);
      return handles.isEmpty() ? null : handles.getFirst().snapshotStatus();
    } catch (TableException e) {
      return null;
    }
  }

  /** The same as dmsetup prints it; "" for null. */
  String status(SnapshotState snapshot) {
    SnapshotStatus state = state(snapshot);
    return state == null ? "" : state.toString();
  }
}
