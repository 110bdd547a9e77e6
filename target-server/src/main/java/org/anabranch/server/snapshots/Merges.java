// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.anabranch.block.dm.Registration;
import org.anabranch.block.snapshot.MergeHandle;
import org.anabranch.block.snapshot.MergeProgress;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.MergeRequest.Begin;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.OverdueException;
import org.anabranch.server.uses.Uses;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When volumes are rolled back.
 *
 * <dl>
 *   <dt>Which of several merges of a volume is next?
 *   <dd>The one that was asked for first, of those that need not wait for a user. It waits for the
 *       merge before it, and for an export of its snapshot; those behind it wait, too.
 *   <dt>Whom does a merge wait for that is not to begin now?
 *   <dd>For everybody who uses the volume or the snapshot: {@link Uses} says who that is. While it
 *       begins, logins to them are held back.
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

  /** How long a merge is given to move something, before it is taken for a slow one. */
  private static final Duration FIRST_STEP = Duration.ofSeconds(2);

  private final Entries entries;
  private final LiveConfiguration live;
  private final Changes changes;
  private final Initiators initiators;
  private final SnapshotDevices devices;
  private final Readers readers;
  private final Uses uses;
  private final MergeWatch watch;
  private final MergesAtLogin nextLogins;

  /**
   * @param live changed from outside, by its turn in {@code changes}
   */
  Merges(
      Entries entries,
      LiveConfiguration live,
      Changes changes,
      Initiators initiators,
      SnapshotDevices devices,
      Readers readers,
      Uses uses) {
    this.entries = entries;
    this.live = live;
    this.changes = changes;
    this.initiators = initiators;
    this.devices = devices;
    this.readers = readers;
    this.uses = uses;
    this.watch = new MergeWatch(devices::merge, this::ended, this::startWaiting);
    this.nextLogins = new MergesAtLogin(entries, changes, uses, watch, this::beginNow);
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
    } finally {
      changes.unlock();
    }
    nextLogins.open();
    uses.listener(nextLogins);
    watch.wake();
  }

  /** Lets a merge go on that was under way; the volume is left out when that cannot be. */
  void goOn(SnapshotState snapshot) throws RefusedException {
    VolumeConfig volume = live.served(snapshot.volume());
    if (volume == null) {
      return;
    }
    try {
      begin(snapshot);
    } catch (RefusedException e) {
      live.withdraw(volume.name());
      devices.withdraw(volume, SnapshotDevices.lost(snapshot, e));
    }
  }

  /** See {@link Snapshots#merge}. */
  SnapshotState merge(MergeRequest request) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = entries.existing(request.snapshot());
      if (snapshot.phase() == Phase.MERGING) {
        snapshot = throttled(snapshot, request.throttle());
        goOnAfterFailure(snapshot);
        return snapshot;
      }
      refuseIfImpossible(snapshot);
      if (request.throttle() != null) {
        snapshot = snapshot.withThrottle(request.throttle());
      }
      if (request.assumeGone() != null) {
        uses.assumeGone(request.assumeGone(), devices(snapshot));
        LOG.warn("{} is assumed gone; it used {}", request.assumeGone(), snapshot.volume());
      }
      boolean now = request.begin() == Begin.NOW || snapshot.phase() == Phase.QUEUED;
      long turn = snapshot.turn() > 0 ? snapshot.turn() : entries.state().nextTurn();
      SnapshotState asked = snapshot.in(now ? Phase.QUEUED : Phase.WAITING, turn);
      boolean onNextLogin = request.begin() == Begin.ON_NEXT_LOGIN && !now;
      if (onNextLogin) {
        nextLogins.refuseIfImpossible(asked);
        refuseIfNotNext(asked);
      }
      nextLogins.forget(snapshot.device());
      if (asked.equals(next(entries.state().with(asked), asked.volume()))) {
        SnapshotState started = start(asked);
        if (started != null) {
          awaitFirstStep(started);
          return started;
        }
      }
      if (!asked.equals(entries.state().snapshot(asked.device()))) {
        entries.put(asked);
      }
      if (onNextLogin) {
        nextLogins.add(asked, request.timeLimit());
      }
      LOG.info(
          "snapshot {}: will be merged {}",
          snapshot.device(),
          now
              ? "after the merge or export under way"
              : onNextLogin
                  ? "at the next login to " + snapshot.volume()
                  : "when nobody uses " + snapshot.volume());
      return asked;
    } finally {
      changes.unlock();
    }
  }

  /** Bounds a merge that runs, and remembers the bound. */
  private SnapshotState throttled(SnapshotState snapshot, @Nullable Long bytesPerSecond)
      throws RefusedException {
    if (bytesPerSecond == null) {
      return snapshot;
    }
    merge(snapshot).throttle(bytesPerSecond);
    SnapshotState bounded = snapshot.withThrottle(bytesPerSecond);
    entries.put(bounded);
    return bounded;
  }

  /** A merge that is to take over at a login cannot wait for another one then. */
  private void refuseIfNotNext(SnapshotState asked) throws RefusedException {
    boolean others =
        entries.all().stream()
            .anyMatch(each ->
                each.volume().equals(asked.volume())
                    && !each.device().equals(asked.device())
                    && (each.phase() == Phase.MERGING || each.turn() > 0));
    if (others || readers.read(asked.device())) {
      throw new RefusedException(
          "snapshot "
              + asked.device()
              + ": another merge of the volume, or an export of the snapshot, comes before it; ask"
              + " again when that has ended");
    }
  }

  /** The devices whose users a merge waits for. */
  static Set<String> devices(SnapshotState snapshot) {
    return Set.of(snapshot.volume(), snapshot.device());
  }

  /** See {@link Snapshots#waits}. */
  MergeWait waits(SnapshotState snapshot) {
    return snapshot.phase() == Phase.WAITING ? nextLogins.waits(snapshot) : MergeWait.NONE;
  }

  /** Begins a merge at a login. By its turn; the volume's other logins are held back. */
  private void beginNow(SnapshotState snapshot) throws RefusedException {
    if (!snapshot.equals(next(entries.state(), snapshot.volume(), true))) {
      throw new RefusedException("another merge or an export comes before it");
    }
    startClaimed(snapshot);
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
      nextLogins.forget(device);
      SnapshotState ready = snapshot.in(Phase.READY);
      entries.put(ready);
      watch.wake(); // the merge behind it
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
    devices.refuseForeignTable(snapshot.volume());
    devices.refuseForeignTable(snapshot);
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
    return next(state, volume, false);
  }

  /**
   * The same.
   *
   * @param inUse whether merges are to begin that wait for somebody who uses the volume
   */
  private @Nullable SnapshotState next(RuntimeState state, String volume, boolean inUse) {
    List<SnapshotState> all =
        state.snapshots().values().stream().filter(each -> each.volume().equals(volume)).toList();
    if (all.stream().anyMatch(each -> each.phase() == Phase.MERGING)) {
      return null;
    }
    return all.stream()
        .filter(each ->
            each.phase() == Phase.QUEUED
                || (each.phase() == Phase.WAITING && (inUse || uses.of(devices(each)).isEmpty())))
        .min(Comparator.comparingLong(SnapshotState::turn))
        .filter(each -> !readers.read(each.device()))
        .orElse(null);
  }

  /**
   * Begins a merge.
   *
   * @return the snapshot in its new phase; null when somebody has logged in who must log out first
   */
  private @Nullable SnapshotState start(SnapshotState snapshot) throws RefusedException {
    boolean claimed = snapshot.phase() == Phase.WAITING;
    if (claimed && !uses.claim(devices(snapshot), null)) {
      return null;
    }
    try {
      return startClaimed(snapshot);
    } finally {
      if (claimed) {
        uses.release(devices(snapshot));
      }
    }
  }

  private SnapshotState startClaimed(SnapshotState snapshot) throws RefusedException {
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
    nextLogins.forget(snapshot.device());
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
    watch.wake(); // the merge behind it
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
        if (snapshot.turn() > 0 && live.served(snapshot.volume()) != null) {
          waiting.add(snapshot.volume());
        }
      }
      for (String volume : waiting) {
        SnapshotState next = next(entries.state(), volume);
        if (next != null) {
          startOrTell(next);
        }
      }
      Instant graceEnd = waiting.isEmpty() ? null : uses.nextGraceEnd();
      if (graceEnd != null) {
        watch.wakeIn(Duration.between(Instant.now(), graceEnd).plusMillis(1));
      }
    } finally {
      changes.unlock();
    }
  }

  private void startOrTell(SnapshotState snapshot) {
    try {
      var _ = start(snapshot);
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
      MergeHandle merge = merge(snapshot);
      if (paused) {
        merge.pause();
      } else {
        merge.unpause();
      }
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
      devices.refuseForeignTable(snapshot.volume());
      devices.reactivate(snapshot.volume());
      watch.add(snapshot.volume(), snapshot.device());
    }
    awaitFirstStep(snapshot);
  }

  /**
   * Waits until a merge that has just begun has moved something, has ended, or cannot.
   *
   * @throws RefusedException when it cannot
   */
  private void awaitFirstStep(SnapshotState snapshot) throws RefusedException {
    MergeHandle merge = devices.merge(snapshot.volume());
    if (merge == null) {
      return; // it has ended
    }
    long before = merge.progress().mergedBytes();
    CompletableFuture<@Nullable Void> moved = new CompletableFuture<>();
    Registration progress =
        merge.onProgress(() -> {
          if (hasMoved(merge.progress(), before)) {
            moved.complete(null);
          }
        });
    try {
      if (!hasMoved(merge.progress(), before)) {
        moved.get(FIRST_STEP.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (TimeoutException e) {
      LOG.debug("snapshot {}: its merge is slow, and has not failed", snapshot.device());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    } finally {
      progress.close();
    }
    MergeStatus status = MergeStatus.of(merge);
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

  private static boolean hasMoved(MergeProgress progress, long before) {
    boolean moves =
        progress.state() == MergeProgress.State.RUNNING
            || progress.state() == MergeProgress.State.STOPPED;
    return !moves || progress.mergedBytes() > before;
  }

  /** The merge of a volume that is being rolled back. */
  private MergeHandle merge(SnapshotState snapshot) throws RefusedException {
    MergeHandle merge = devices.merge(snapshot.volume());
    if (merge == null) {
      throw new RefusedException(
          "volume "
              + snapshot.volume()
              + " is to be rolled back, and its live table does not do that: see dm table "
              + snapshot.volume()
              + "; the next start of the server goes on with the merge");
    }
    return merge;
  }

  private MergeStatus status(SnapshotState snapshot) throws RefusedException {
    return MergeStatus.of(merge(snapshot));
  }

  /** See {@link Snapshots#progress}. */
  @Nullable MergeStatus progress(String device) {
    SnapshotState snapshot = entries.state().snapshot(device);
    if (snapshot == null || snapshot.phase() != Phase.MERGING) {
      return null;
    }
    MergeHandle merge = devices.merge(snapshot.volume());
    return merge == null ? null : MergeStatus.of(merge); // its table is being made, or it ended
  }

  /** A snapshot is about to be removed. By its turn. */
  void removing(SnapshotState snapshot) {
    nextLogins.forget(snapshot.device());
  }

  /** Something changed that a merge may have waited for. */
  void wake() {
    watch.wake();
  }

  /** Waits until what was told so far has been looked at. */
  void settle() throws InterruptedException {
    watch.settle();
  }

  void close() {
    nextLogins.close();
    watch.close();
  }
}
