// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.OverdueException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When volumes are rolled back.
 *
 * <dl>
 *   <dt>Which of several merges of a volume is next?
 *   <dd>The one that was asked for first, of those that need not wait for a logout. It waits for
 *       the merge before it, and for an export of its snapshot; those behind it wait, too.
 *   <dt>What becomes of one that cannot begin when its turn comes?
 *   <dd>It is told in the log; the snapshot is ready again, and nothing has changed.
 *   <dt>And of one that has begun and cannot go on?
 *   <dd>The volume stays in use. After an error it can be begun again ({@link #pause}); where the
 *       store is invalid, nothing but {@link #giveUp} ends it.
 * </dl>
 *
 * Public verbs take their turns in {@link Changes} themselves. Any thread.
 */
final class Merges {
  private static final Logger LOG = LoggerFactory.getLogger(Merges.class);

  private final Entries entries;
  private final Map<String, VolumeConfig> volumes;
  private final Changes changes;
  private final Initiators initiators;
  private final SnapshotDevices devices;
  private final Readers readers;
  private final MergeWatch watch;

  /**
   * @param volumes by name; changed from outside, by its turn in {@code changes}
   */
  Merges(
      DeviceMapper mapper,
      Entries entries,
      Map<String, VolumeConfig> volumes,
      Changes changes,
      Initiators initiators,
      SnapshotDevices devices,
      Readers readers) {
    this.entries = entries;
    this.volumes = volumes;
    this.changes = changes;
    this.initiators = initiators;
    this.devices = devices;
    this.readers = readers;
    this.watch = new MergeWatch(mapper, this::ended, this::startWaiting);
  }

  /** Lets those go on that were under way at a stop or crash, and those start that waited. */
  void open() throws RefusedException {
    changes.lock();
    try {
      for (SnapshotState snapshot : entries.all()) {
        if (snapshot.phase() == Phase.MERGING) {
          goOn(snapshot);
        }
      }
      startWaiting();
    } finally {
      changes.unlock();
    }
    watch.start();
  }

  /** Lets a merge go on that was under way; the volume is left out when that cannot be. */
  void goOn(SnapshotState snapshot) throws RefusedException {
    VolumeConfig volume = volumes.get(snapshot.volume());
    if (volume == null) {
      return;
    }
    try {
      begin(snapshot);
    } catch (RefusedException e) {
      volumes.remove(volume.name());
      devices.withdraw(volume, SnapshotDevices.lost(snapshot, e));
    }
  }

  /** See {@link Snapshots#merge}. */
  SnapshotState merge(String device, boolean now) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = entries.existing(device);
      if (snapshot.phase() == Phase.MERGING) {
        goOnAfterFailure(snapshot);
        return snapshot;
      }
      refuseIfImpossible(snapshot);
      long turn = snapshot.turn() > 0 ? snapshot.turn() : entries.state().nextTurn();
      Phase next = now || snapshot.phase() == Phase.QUEUED ? Phase.QUEUED : Phase.WAITING;
      SnapshotState asked = snapshot.in(next, turn);
      if (asked.equals(next(entries.state().with(asked), asked.volume()))) {
        return start(asked);
      }
      if (!snapshot.equals(asked)) {
        entries.put(asked);
        LOG.info(
            "snapshot {}: will be merged {}",
            device,
            next == Phase.QUEUED
                ? "after the merge or export under way"
                : "when nobody is logged in to " + snapshot.volume());
      }
      return asked;
    } finally {
      changes.unlock();
    }
  }

  /** See {@link Snapshots#cancelMerge}. */
  SnapshotState cancel(String device) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = entries.existing(device);
      if (snapshot.phase() != Phase.WAITING && snapshot.phase() != Phase.QUEUED) {
        throw new RefusedException(
            "snapshot "
                + device
                + (snapshot.phase() == Phase.MERGING
                    ? " is being merged; what was rolled back cannot be undone"
                    : " does not wait to be merged"));
      }
      SnapshotState ready = snapshot.in(Phase.READY);
      entries.put(ready);
      LOG.info("snapshot {}: will not be merged", device);
      return ready;
    } finally {
      changes.unlock();
    }
  }

  private void refuseIfImpossible(SnapshotState snapshot) throws RefusedException {
    String device = snapshot.device();
    if (snapshot.phase() == Phase.CREATING || snapshot.phase() == Phase.REMOVING) {
      throw new RefusedException("snapshot " + device + " is being made or removed");
    }
    if (devices.status(snapshot).contains("Invalid")) {
      throw new RefusedException(
          "snapshot " + device + " is invalid: it lost what it had and cannot be merged");
    }
    if (devices.volume(snapshot.volume()).readOnly()) {
      throw new RefusedException(
          "volume " + snapshot.volume() + " is read-only and cannot be rolled back");
    }
  }

  /** The merge of a volume that is to begin now; null when there is none. */
  private @Nullable SnapshotState next(RuntimeState state, String volume) {
    List<SnapshotState> all =
        state.snapshots().values().stream().filter(each -> each.volume().equals(volume)).toList();
    if (all.stream().anyMatch(each -> each.phase() == Phase.MERGING)) {
      return null;
    }
    return all.stream()
        .filter(
            each -> each.phase() == Phase.QUEUED || (each.phase() == Phase.WAITING && unused(each)))
        .min(Comparator.comparingLong(SnapshotState::turn))
        .filter(each -> !readers.read(each.device()))
        .orElse(null);
  }

  /** Whether nobody is logged in to the volume or to the snapshot. */
  private boolean unused(SnapshotState snapshot) {
    return initiators.sessions(snapshot.volume()) == 0
        && initiators.sessions(snapshot.device()) == 0;
  }

  private SnapshotState start(SnapshotState snapshot) throws RefusedException {
    String device = snapshot.device();
    SnapshotState merging = snapshot.in(Phase.MERGING);
    try {
      refuseIfImpossible(snapshot);
      devices.detach(device);
      entries.put(merging);
      begin(merging);
    } catch (RefusedException e) {
      stay(snapshot, e);
      throw e;
    }
    LOG.info("volume {}: being rolled back to {}", snapshot.volume(), device);
    initiators.contentsChanged(snapshot.volume());
    return merging;
  }

  private void begin(SnapshotState merging) throws RefusedException {
    try {
      devices.startMerge(merging);
      entries.steps().taken("merge begun");
    } catch (OverdueException e) {
      LOG.error("snapshot {}: it may take a while until the merge begins", merging.device(), e);
    }
    watch.add(merging.volume(), merging.device());
  }

  /** It did not begin, and the snapshot is there still. */
  private void stay(SnapshotState snapshot, RefusedException reason) {
    devices.attach(snapshot.device());
    try {
      if (entries.existing(snapshot.device()).phase() != Phase.READY) {
        entries.put(snapshot.in(Phase.READY));
      }
    } catch (RefusedException e) {
      reason.addSuppressed(e);
      LOG.error("snapshot {}: the next start tries again: {}", snapshot.device(), e.getMessage());
    }
  }

  /** A merge has nothing left to do. Called by {@link MergeWatch}. */
  private void ended(String device) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = entries.state().snapshot(device);
      if (snapshot != null && snapshot.phase() == Phase.MERGING) { // else it was given up
        end(snapshot);
        LOG.info("volume {}: rolled back to {}", snapshot.volume(), device);
      }
    } finally {
      changes.unlock();
    }
  }

  private void end(SnapshotState snapshot) throws RefusedException {
    devices.endMerge(snapshot.volume());
    entries.steps().taken("merge ended");
    entries.put(snapshot.in(Phase.REMOVING));
    entries.forget(snapshot);
  }

  /**
   * Ends a merge that cannot go on because its store is invalid: the volume stays as it is, partly
   * rolled back. By its turn.
   */
  void giveUp(SnapshotState snapshot, boolean force) throws RefusedException {
    MergeStatus status = status(snapshot);
    if (status.isFailed() || !status.isStuck()) {
      throw new RefusedException(
          "snapshot "
              + snapshot.device()
              + " is being merged; what was rolled back cannot be undone"
              + (status.isFailed() ? ". The merge failed; snapshot resume tries again" : ""));
    }
    if (!force) {
      throw new RefusedException(
          "the merge of "
              + snapshot.device()
              + " cannot go on, since its store is invalid; --force gives it up, and leaves the"
              + " volume as it is, partly rolled back");
    }
    end(snapshot);
    watch.remove(snapshot.device());
    LOG.warn("volume {}: the merge of {} was given up", snapshot.volume(), snapshot.device());
  }

  /** Starts the merges that wait and need not wait any more. */
  private void startWaiting() {
    if (!changes.lockUnlessOver()) {
      return;
    }
    try {
      Set<String> waiting = new TreeSet<>();
      for (SnapshotState snapshot : entries.all()) {
        if (snapshot.turn() > 0 && volumes.containsKey(snapshot.volume())) {
          waiting.add(snapshot.volume());
        }
      }
      for (String volume : waiting) {
        SnapshotState next = next(entries.state(), volume);
        if (next != null) {
          startOrTell(next);
        }
      }
    } finally {
      changes.unlock();
    }
  }

  private void startOrTell(SnapshotState snapshot) {
    try {
      start(snapshot);
    } catch (RefusedException e) {
      LOG.error("snapshot {}: cannot be merged: {}", snapshot.device(), e.getMessage());
    }
  }

  /** The snapshot that a volume is being rolled back to. */
  @Nullable SnapshotState merging(String volume) {
    return entries.all().stream()
        .filter(snapshot -> snapshot.volume().equals(volume) && snapshot.phase() == Phase.MERGING)
        .findAny()
        .orElse(null);
  }

  /** See {@link Snapshots#pause}. */
  void pause(String device, boolean paused) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = entries.existing(device);
      if (snapshot.phase() != Phase.MERGING) {
        throw new RefusedException("snapshot " + device + " is not being merged");
      }
      devices.message(snapshot.volume(), paused ? "pause" : "resume");
      entries.put(snapshot.withPaused(paused));
      if (!paused) {
        goOnAfterFailure(snapshot);
      }
    } finally {
      changes.unlock();
    }
  }

  /** Begins a merge again that stopped at an error; says so when it cannot go on. */
  private void goOnAfterFailure(SnapshotState snapshot) throws RefusedException {
    if (status(snapshot).isFailed()) {
      devices.reactivate(snapshot.volume());
      watch.add(snapshot.volume(), snapshot.device());
    }
    MergeStatus status = status(snapshot);
    if (status.isStuck()) {
      throw new RefusedException(
          "the merge of "
              + snapshot.device()
              + (status.isFailed()
                  ? " fails, see the server's log; when the reason is gone, resume it"
                  : " cannot go on, since its store is invalid; snapshot remove --force gives it"
                      + " up"));
    }
  }

  private MergeStatus status(SnapshotState snapshot) throws RefusedException {
    return MergeStatus.parse(devices.message(snapshot.volume(), "progress"));
  }

  /** See {@link Snapshots#progress}. */
  @Nullable MergeStatus progress(String device) throws RefusedException {
    SnapshotState snapshot = entries.state().snapshot(device);
    if (snapshot == null || snapshot.phase() != Phase.MERGING) {
      return null;
    }
    try {
      return status(snapshot);
    } catch (RefusedException e) {
      SnapshotState now = entries.state().snapshot(device);
      if (now == null || now.phase() != Phase.MERGING || !devices.isMerging(snapshot.volume())) {
        return null; // its table is being made, or it ended in between
      }
      return status(snapshot); // its table has been made in between
    }
  }

  void close() {
    watch.close();
  }
}
