// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.MergeRequest.Begin;
import org.anabranch.server.state.Changes;
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
 *   <dd>See {@link MergeOrder}.
 *   <dt>Whom does a merge wait for that is not to begin now?
 *   <dd>For everybody who uses the volume or the snapshot: {@link Uses} says who that is. While it
 *       begins, logins to them are held back.
 *   <dt>What becomes of one that cannot begin when its turn comes?
 *   <dd>The log says why; the snapshot is ready again, and nothing has changed.
 *   <dt>And of one that has begun and cannot go on?
 *   <dd>The volume stays in use. After an error it can be begun again ({@link #pause}); where the
 *       store is invalid, nothing but {@link #giveUp} ends it.
 * </dl>
 *
 * Public verbs take their turns in {@link Changes} themselves. Any thread.
 */
final class Merges {
  private static final Logger LOG = LoggerFactory.getLogger(Merges.class);

  private final SnapshotRegistry registry;
  private final LiveConfiguration live;
  private final Changes changes;
  private final Initiators initiators;
  private final SnapshotDevices devices;
  private final Uses uses;
  private final MergeOrder order;
  private final MergeWatch watch;
  private final RunningMerges running;
  private final MergesAtLogin nextLogins;
  private final MergeHooks hooks;

  /**
   * @param live changed from outside, by its turn in {@code changes}
   */
  Merges(
      SnapshotRegistry registry,
      LiveConfiguration live,
      Changes changes,
      Initiators initiators,
      SnapshotDevices devices,
      Readers readers,
      Uses uses,
      Hooks programs) {
    this.registry = registry;
    this.live = live;
    this.changes = changes;
    this.initiators = initiators;
    this.devices = devices;
    this.uses = uses;
    this.order = new MergeOrder(registry, readers, uses);
    this.watch = new MergeWatch(devices::merge, this::ended, this::startWaiting);
    this.running = new RunningMerges(registry, devices, watch);
    this.hooks = new MergeHooks(programs, this::refusedByHook, watch::wake);
    this.nextLogins = new MergesAtLogin(registry, changes, uses, watch, hooks, this::beginNow);
  }

  /** Lets those go on that were under way at a stop or crash, and those start that waited. */
  void open() throws RefusedException {
    changes.lock();
    try {
      for (SnapshotState snapshot : registry.all()) {
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
  SnapshotState merge(MergeRequest request, Hooks.Listener listener) throws RefusedException {
    SnapshotState asked = merge(request);
    MergeHooks.Preparation preparation = hooks.of(asked.device());
    if (preparation == null || asked.phase() == Phase.MERGING) {
      return asked;
    }
    preparation.await(listener);
    changes.lock();
    try {
      SnapshotState now = registry.state().snapshot(asked.device());
      if (now == null) {
        return asked.in(Phase.MERGING); // it has ended in the meantime
      }
      if (now.phase() == Phase.MERGING) {
        running.awaitFirstStep(now);
      }
      return now;
    } finally {
      changes.unlock();
    }
  }

  private SnapshotState merge(MergeRequest request) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = registry.existing(request.snapshot());
      if (snapshot.phase() == Phase.MERGING) {
        snapshot = running.throttled(snapshot, request.throttle());
        running.goOnAfterFailure(snapshot);
        return snapshot;
      }
      refuseIfImpossible(snapshot);
      if (request.throttle() != null) {
        snapshot = snapshot.withThrottle(request.throttle());
      }
      if (request.assumeGone() != null) {
        uses.assumeGone(request.assumeGone(), MergeOrder.devices(snapshot));
        LOG.warn("{} is assumed gone; it used {}", request.assumeGone(), snapshot.volume());
      }
      boolean now = request.begin() == Begin.NOW || snapshot.phase() == Phase.QUEUED;
      long turn = snapshot.turn() > 0 ? snapshot.turn() : registry.state().nextTurn();
      SnapshotState asked = snapshot.in(now ? Phase.QUEUED : Phase.WAITING, turn);
      boolean onNextLogin = request.begin() == Begin.ON_NEXT_LOGIN && !now;
      if (onNextLogin) {
        nextLogins.refuseIfImpossible(asked);
        order.refuseIfNotNext(asked);
      }
      nextLogins.forget(snapshot.device());
      if (asked.equals(order.next(registry.state().with(asked), asked.volume()))) {
        SnapshotState started = start(asked);
        if (started != null) {
          running.awaitFirstStep(started);
          return started;
        }
      }
      if (!asked.equals(registry.state().snapshot(asked.device()))) {
        registry.put(asked);
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

  /** See {@link Snapshots#waits}. */
  MergeWait waits(SnapshotState snapshot) {
    return snapshot.phase() == Phase.WAITING ? nextLogins.waits(snapshot) : MergeWait.NONE;
  }

  /** Begins a merge at a login. By its turn; the volume's other logins are held back. */
  private void beginNow(SnapshotState snapshot) throws RefusedException {
    if (!snapshot.equals(order.next(registry.state(), snapshot.volume(), true))) {
      throw new RefusedException("another merge or an export comes before it");
    }
    startClaimed(snapshot);
  }

  /** See {@link Snapshots#cancelMerge}. */
  SnapshotState cancel(String device) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = registry.existing(device);
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
      registry.put(ready);
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
      throw new RefusedException(
          "snapshot " + device + " is being made or removed; ask again when that has ended");
    }
    devices.refuseForeignTable(snapshot.volume());
    devices.refuseForeignTable(snapshot);
    if (devices.status(snapshot).contains("Invalid")) {
      throw new RefusedException(
          "snapshot "
              + device
              + " is invalid: it lost what it had and cannot be merged; snapshot remove frees its store");
    }
    if (devices.volume(snapshot.volume()).readOnly()) {
      throw new RefusedException(
          "volume "
              + snapshot.volume()
              + " is read-only and cannot be rolled back; take read-only out of its configuration and reload");
    }
  }

  /**
   * Begins a merge.
   *
   * @return the snapshot in its new phase; null when somebody has logged in who must log out first,
   *     or when its hook runs now, after which it is tried again
   */
  private @Nullable SnapshotState start(SnapshotState snapshot) throws RefusedException {
    if (!hooks.ready(List.of(snapshot), this::startWaiting)) {
      return null;
    }
    boolean claimed = snapshot.phase() == Phase.WAITING;
    if (claimed && !uses.claim(MergeOrder.devices(snapshot), null)) {
      return null;
    }
    try {
      return startClaimed(snapshot);
    } finally {
      if (claimed) {
        uses.release(MergeOrder.devices(snapshot));
      }
    }
  }

  private SnapshotState startClaimed(SnapshotState snapshot) throws RefusedException {
    String device = snapshot.device();
    SnapshotState merging = snapshot.in(Phase.MERGING);
    try {
      refuseIfImpossible(snapshot);
      devices.detach(device);
      registry.put(merging);
      begin(merging);
    } catch (RefusedException e) {
      stay(snapshot, e);
      hooks.notBegun(List.of(snapshot), e);
      throw e;
    }
    hooks.begun(List.of(snapshot));
    LOG.info("volume {}: being rolled back to {}", snapshot.volume(), device);
    initiators.contentsChanged(snapshot.volume());
    return merging;
  }

  private void begin(SnapshotState merging) throws RefusedException {
    try {
      devices.startMerge(merging);
      registry.steps().taken("merge begun");
    } catch (OverdueException e) {
      LOG.error("snapshot {}: it may take a while until the merge begins", merging.device(), e);
    }
    watch.add(merging.volume(), merging.device());
  }

  /** What was to be done before merges failed. */
  private void refusedByHook(List<SnapshotState> snapshots, RefusedException reason) {
    if (!changes.lockUnlessOver()) {
      return;
    }
    try {
      for (SnapshotState snapshot : snapshots) {
        SnapshotState now = registry.state().snapshot(snapshot.device());
        if (now != null && (now.phase() == Phase.WAITING || now.phase() == Phase.QUEUED)) {
          stay(now, reason);
        }
        LOG.error("snapshot {}: not merged: {}", snapshot.device(), reason.getMessage());
      }
    } finally {
      changes.unlock();
    }
  }

  /** It did not begin, and the snapshot is there still. */
  private void stay(SnapshotState snapshot, RefusedException reason) {
    nextLogins.forget(snapshot.device());
    devices.attach(snapshot.device());
    try {
      if (registry.existing(snapshot.device()).phase() != Phase.READY) {
        registry.put(snapshot.in(Phase.READY));
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
      SnapshotState snapshot = registry.state().snapshot(device);
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
    registry.steps().taken("merge ended");
    registry.put(snapshot.in(Phase.REMOVING));
    registry.forget(snapshot);
    watch.wake(); // the merge behind it
  }

  /**
   * Ends a merge that cannot go on because its store is invalid: the volume stays as it is, partly
   * rolled back. By its turn.
   */
  void giveUp(SnapshotState snapshot, boolean force) throws RefusedException {
    running.refuseToGiveUp(snapshot, force);
    end(snapshot);
    watch.remove(snapshot.device());
    LOG.warn(
        "volume {}: the merge of {} was given up; the volume stays partly rolled back",
        snapshot.volume(),
        snapshot.device());
  }

  /** Starts the merges that wait and need not wait any more. */
  private void startWaiting() {
    if (!changes.lockUnlessOver()) {
      return;
    }
    try {
      Set<String> waiting = new TreeSet<>();
      for (SnapshotState snapshot : registry.all()) {
        if (snapshot.turn() > 0 && live.served(snapshot.volume()) != null) {
          waiting.add(snapshot.volume());
        }
      }
      for (String volume : waiting) {
        SnapshotState next = order.next(registry.state(), volume);
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

  /** See {@link Snapshots#pause}. */
  void pause(String device, boolean paused) throws RefusedException {
    changes.lock();
    try {
      running.pause(registry.existing(device), paused);
    } finally {
      changes.unlock();
    }
  }

  /** See {@link Snapshots#progress}. */
  @Nullable MergeStatus progress(String device) {
    return running.progress(device);
  }

  /** The snapshot that a volume is being rolled back to. */
  @Nullable SnapshotState merging(String volume) {
    return order.merging(volume);
  }

  /** A snapshot is about to be removed. By its turn. */
  void removing(SnapshotState snapshot) {
    nextLogins.forget(snapshot.device());
  }

  /** Something changed that a merge may have waited for. */
  void wake() {
    watch.wake();
  }

  /** Waits until every notification so far has been handled. */
  void settle() throws InterruptedException {
    watch.settle();
  }

  /** Hooks of snapshots that are being taken are ended, too: nobody has a turn in Changes here. */
  void close() {
    nextLogins.close();
    hooks.close();
    watch.close();
  }
}
