// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.Hooks;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.Initiators;
import org.anabranch.server.snapshots.device.KeptStores;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.snapshots.merge.MergeRequest.Begin;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
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
public final class Merges {
  private static final Logger LOG = LoggerFactory.getLogger(Merges.class);

  private final SnapshotRegistry registry;
  private final LiveConfiguration live;
  private final Changes changes;
  private final SnapshotDevices devices;
  private final Uses uses;
  private final KeptStores kept;
  private final MergeStart starts;
  private final MergeOrder order;
  private final MergeWatch watch;
  private final RunningMerges running;
  private final MergesAtLogin nextLogins;
  private final MergeHooks hooks;

  /** Whether merges that wait may begin; guarded by the turn in {@link Changes}. */
  private boolean mayBegin;

  /**
   * @param live changed from outside, by its turn in {@code changes}
   */
  public Merges(
      SnapshotRegistry registry,
      LiveConfiguration live,
      Changes changes,
      Initiators initiators,
      SnapshotDevices devices,
      Readers readers,
      Uses uses,
      KeptStores kept,
      Hooks programs) {
    this.registry = registry;
    this.live = live;
    this.changes = changes;
    this.devices = devices;
    this.uses = uses;
    this.kept = kept;
    this.order = new MergeOrder(registry, readers, uses);
    this.watch = new MergeWatch(devices::merge, this::ended, this::startWaiting);
    this.running = new RunningMerges(registry, devices, watch);
    this.hooks = new MergeHooks(programs, this::refusedByHook, watch::wake);
    this.nextLogins = new MergesAtLogin(registry, changes, uses, watch, hooks, this::beginNow);
    this.starts = new MergeStart(registry, initiators, devices, kept, hooks, watch);
  }

  /** Lets those go on that were under way at a stop or crash. None begins before {@link #begin}. */
  public void open() throws RefusedException {
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
  }

  /**
   * Lets those begin that waited or were queued. To be called when the devices have their LUNs:
   * until then whoever attaches a LUN may open a snapshot that a merge takes away.
   */
  public void begin() throws RefusedException {
    changes.lock();
    try {
      mayBegin = true;
    } finally {
      changes.unlock();
    }
    watch.wake();
  }

  /** Lets a merge go on that was under way; the volume is left out when that cannot be. */
  public void goOn(SnapshotState snapshot) throws RefusedException {
    VolumeConfig volume = live.served(snapshot.volume());
    if (volume == null) {
      return;
    }
    try {
      starts.goOn(snapshot);
    } catch (RefusedException e) {
      live.withdraw(volume.name());
      devices.withdraw(volume, SnapshotDevices.lost(snapshot, e));
    }
  }

  /**
   * Lets a merge go on that another server has begun, by its turn.
   *
   * @throws RefusedException when that cannot be
   */
  public void arrived(SnapshotState snapshot) throws RefusedException {
    starts.goOn(snapshot);
  }

  /** Another server has the volume of a snapshot: nothing is done here about its merge. */
  public void left(SnapshotState snapshot) {
    nextLogins.forget(snapshot.device());
    watch.remove(snapshot.device());
  }

  /** Begins the merge of a snapshot that is taken over in that phase, by its turn. */
  public void beginAdopted(SnapshotState merging) throws RefusedException {
    starts.begin(List.of(merging));
  }

  /** See {@link Snapshots#merge}. */
  public List<SnapshotState> merge(MergeRequest request, Hooks.Listener listener)
      throws RefusedException {
    List<SnapshotState> asked = merge(request);
    MergeHooks.Preparation preparation = hooks.of(asked.getFirst().device());
    if (preparation == null || asked.getFirst().phase() == Phase.MERGING) {
      return asked;
    }
    preparation.await(listener);
    changes.lock();
    try {
      List<SnapshotState> found = new ArrayList<>();
      for (SnapshotState each : asked) {
        SnapshotState now = registry.state().snapshot(each.device());
        if (now == null || (each.keeps() && !now.keeps())) {
          now = each.in(Phase.MERGING); // it has ended in the meantime
        } else if (now.phase() == Phase.MERGING) {
          running.awaitFirstStep(now);
        }
        found.add(now);
      }
      return found;
    } finally {
      changes.unlock();
    }
  }

  private List<SnapshotState> merge(MergeRequest request) throws RefusedException {
    changes.lock();
    try {
      List<SnapshotState> named = new ArrayList<>();
      for (String name : new TreeSet<>(request.snapshots())) {
        named.add(registry.existing(name));
      }
      order.refuseUnlessTogether(named);
      if (named.stream().anyMatch(each -> each.phase() == Phase.MERGING)) {
        return goOn(named, request);
      }
      List<SnapshotState> asked = asked(named, request);
      boolean now = asked.getFirst().phase() == Phase.QUEUED;
      boolean onNextLogin = request.begin() == Begin.ON_NEXT_LOGIN && !now;
      if (onNextLogin) {
        refuseAtLogin(asked);
      }
      named.forEach(each -> nextLogins.forget(each.device()));
      if (isNext(asked)) {
        List<SnapshotState> started = start(asked);
        if (!started.isEmpty()) {
          for (SnapshotState each : started) {
            running.awaitFirstStep(each);
          }
          return started;
        }
      }
      remember(asked);
      if (onNextLogin) {
        nextLogins.add(asked.getFirst(), request.timeLimit());
      }
      for (SnapshotState each : asked) {
        LOG.info(
            "snapshot {}: rollback requested, which begins {}",
            each.device(),
            now
                ? "after the rollback or export under way"
                : onNextLogin
                    ? "at the next login to " + each.volume()
                    : "when nobody uses " + String.join(" and ", MergeOrder.devices(asked)));
      }
      return asked;
    } finally {
      changes.unlock();
    }
  }

  private boolean isNext(List<SnapshotState> asked) {
    RuntimeState state = registry.state();
    for (SnapshotState each : asked) {
      state = state.with(each);
    }
    return asked.equals(order.next(state, asked.getFirst().volume()));
  }

  private void remember(List<SnapshotState> asked) throws RefusedException {
    List<SnapshotState> changed =
        asked.stream()
            .filter(each -> !each.equals(registry.state().snapshot(each.device())))
            .toList();
    if (!changed.isEmpty()) {
      registry.put(changed);
    }
  }

  /** The merges as they are asked for; nothing has changed yet. */
  private List<SnapshotState> asked(List<SnapshotState> named, MergeRequest request)
      throws RefusedException {
    for (SnapshotState each : named) {
      starts.refuseIfImpossible(each);
    }
    boolean now =
        request.begin() == Begin.NOW
            || named.stream().allMatch(each -> each.phase() == Phase.QUEUED);
    List<SnapshotState> group = MergeOrder.together(registry.state(), named.getFirst());
    long turn =
        named.getFirst().turn() > 0 && group.size() == named.size()
            ? named.getFirst().turn()
            : registry.state().nextTurn();
    List<SnapshotState> asked = new ArrayList<>();
    for (SnapshotState each : named) {
      SnapshotState next = each;
      if (request.throttle() != null) {
        next = next.withThrottle(request.throttle());
      }
      if (request.keep() && !each.keeps()) {
        next = kept.planned(next);
      }
      asked.add(next.in(now ? Phase.QUEUED : Phase.WAITING, turn));
    }
    if (request.assumeGone() != null) {
      uses.assumeGone(request.assumeGone(), MergeOrder.devices(asked));
      LOG.warn("{} is assumed gone; it used {}", request.assumeGone(), named.getFirst().volume());
    }
    return asked;
  }

  private void refuseAtLogin(List<SnapshotState> asked) throws RefusedException {
    if (asked.size() > 1) {
      throw new RefusedException(
          "several volumes cannot be rolled back at a login, since their initiators log in one after"
              + " the other; without --on-next-login they are when nobody uses one of them");
    }
    nextLogins.refuseIfImpossible(asked.getFirst());
    order.refuseIfNotNext(asked.getFirst());
  }

  /** What is asked of merges that are under way. */
  private List<SnapshotState> goOn(List<SnapshotState> named, MergeRequest request)
      throws RefusedException {
    for (SnapshotState each : named) {
      if (each.phase() != Phase.MERGING) {
        throw new RefusedException(
            "snapshot "
                + each.device()
                + " is not being rolled back to, and another one that is named is: name them in"
                + " commands of their own");
      }
      if (request.keep() && !each.keeps()) {
        throw new RefusedException(
            "snapshot "
                + each.device()
                + " is being rolled back to without --keep, which cannot be added any more; take a new"
                + " snapshot at the end");
      }
    }
    List<SnapshotState> going = new ArrayList<>();
    for (SnapshotState each : named) {
      SnapshotState bounded = running.throttled(each, request.throttle());
      running.goOnAfterFailure(bounded);
      going.add(bounded);
    }
    return going;
  }

  /** See {@link Snapshots#throttle}. */
  public SnapshotState throttle(String device, long bytesPerSecond) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = registry.existing(device);
      if (snapshot.phase() == Phase.MERGING) {
        return running.throttled(snapshot, bytesPerSecond);
      }
      if (snapshot.turn() == 0) {
        throw new RefusedException(
            "snapshot "
                + device
                + " is not being rolled back to, and no rollback waits; to begin one with a limit:"
                + " snapshot merge --throttle");
      }
      SnapshotState bounded = snapshot.withThrottle(bytesPerSecond);
      registry.put(bounded);
      return bounded;
    } finally {
      changes.unlock();
    }
  }

  /** See {@link Snapshots#waits}. */
  public MergeWait waits(SnapshotState snapshot) {
    return snapshot.phase() == Phase.WAITING
        ? nextLogins.waits(
            snapshot, MergeOrder.devices(MergeOrder.together(registry.state(), snapshot)))
        : MergeWait.NONE;
  }

  /** Begins a merge at a login. By its turn; the volume's other logins are held back. */
  private void beginNow(SnapshotState snapshot) throws RefusedException {
    List<SnapshotState> mine = List.of(snapshot);
    if (!mine.equals(order.next(registry.state(), snapshot.volume(), true))) {
      throw new RefusedException("another rollback or an export comes before it");
    }
    startClaimed(mine);
  }

  /** See {@link Snapshots#cancelMerge}. */
  public List<SnapshotState> cancel(List<String> names) throws RefusedException {
    changes.lock();
    try {
      SortedMap<String, SnapshotState> ready = new TreeMap<>();
      for (String device : names) {
        SnapshotState snapshot = registry.existing(device);
        if (snapshot.phase() != Phase.WAITING && snapshot.phase() != Phase.QUEUED) {
          throw new RefusedException(
              "snapshot "
                  + device
                  + (snapshot.phase() == Phase.MERGING
                      ? " is being rolled back to, which cannot be undone"
                      : " has no rollback that waits"));
        }
        for (SnapshotState each : MergeOrder.together(registry.state(), snapshot)) {
          ready.put(each.device(), each.withSecondStore(null).in(Phase.READY));
        }
      }
      ready.keySet().forEach(nextLogins::forget);
      registry.put(List.copyOf(ready.values()));
      watch.wake(); // the merge behind it
      ready.keySet().forEach(each -> LOG.info("snapshot {}: the rollback is cancelled", each));
      return List.copyOf(ready.values());
    } finally {
      changes.unlock();
    }
  }

  /**
   * Begins merges.
   *
   * @return the snapshots in their new phase; none when somebody has logged in who must log out
   *     first, or when their hook runs now, after which they are tried again
   */
  private List<SnapshotState> start(List<SnapshotState> snapshots) throws RefusedException {
    if (!hooks.ready(snapshots, this::startWaiting)) {
      return List.of();
    }
    Set<String> used = MergeOrder.devices(snapshots);
    boolean claimed = snapshots.getFirst().phase() == Phase.WAITING;
    if (claimed && !uses.claim(used, null)) {
      return List.of();
    }
    try {
      return startClaimed(snapshots);
    } finally {
      if (claimed) {
        uses.release(used);
      }
    }
  }

  private List<SnapshotState> startClaimed(List<SnapshotState> snapshots) throws RefusedException {
    try {
      return starts.start(snapshots);
    } catch (RefusedException e) {
      snapshots.forEach(each -> nextLogins.forget(each.device()));
      throw e;
    }
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
          nextLogins.forget(now.device());
          starts.stay(List.of(now), reason);
        }
        LOG.error("snapshot {}: not rolled back to: {}", snapshot.device(), reason.getMessage());
      }
    } finally {
      changes.unlock();
    }
  }

  /**
   * A merge has nothing left to do. Called by {@link MergeWatch}, and again after a refusal: the
   * snapshot is being removed then.
   */
  private void ended(String device) throws RefusedException {
    changes.lock();
    try {
      SnapshotState snapshot = registry.state().snapshot(device);
      if (snapshot != null
          && (snapshot.phase() == Phase.MERGING || snapshot.phase() == Phase.REMOVING)) {
        end(snapshot);
        LOG.info(
            "volume {}: rolled back to {}{}",
            snapshot.volume(),
            device,
            snapshot.keeps() ? ", which is kept" : "");
      }
    } finally {
      changes.unlock();
    }
  }

  /** May be called again after it was refused. */
  private void end(SnapshotState snapshot) throws RefusedException {
    if (snapshot.phase() == Phase.MERGING) {
      devices.endMerge(snapshot.volume());
      registry.steps().taken("merge ended");
    }
    if (snapshot.keeps()) {
      kept.exchange(snapshot);
    } else {
      registry.put(snapshot.in(Phase.REMOVING));
      devices.detach(snapshot.device()); // a merge that began late left its device, with a LUN
      registry.forget(snapshot);
    }
    watch.wake(); // the merge behind it
  }

  /**
   * Ends a merge that cannot go on because its store is invalid: the volume stays as it is, partly
   * rolled back. By its turn.
   */
  public void giveUp(SnapshotState snapshot, boolean force) throws RefusedException {
    running.refuseToGiveUp(snapshot, force);
    if (snapshot.keeps()) { // it is invalid, too
      devices.detach(snapshot.device());
    }
    devices.endMerge(snapshot.volume());
    registry.put(snapshot.in(Phase.REMOVING));
    registry.forget(snapshot);
    watch.wake();
    watch.remove(snapshot.device());
    LOG.warn(
        "volume {}: the rollback to {} was given up; the volume stays partly rolled back",
        snapshot.volume(),
        snapshot.device());
  }

  /** Starts the merges that wait and need not wait any more. */
  private void startWaiting() {
    if (!changes.lockUnlessOver()) {
      return;
    }
    try {
      if (!mayBegin) {
        return;
      }
      Set<String> waiting = new TreeSet<>();
      for (SnapshotState snapshot : registry.all()) {
        if (snapshot.turn() > 0 && live.served(snapshot.volume()) != null) {
          waiting.add(snapshot.volume());
        }
      }
      for (String volume : waiting) {
        List<SnapshotState> next = order.next(registry.state(), volume);
        if (!next.isEmpty() && next.stream().allMatch(each -> live.served(each.volume()) != null)) {
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

  private void startOrTell(List<SnapshotState> snapshots) {
    try {
      var _ = start(snapshots);
    } catch (RefusedException e) {
      for (SnapshotState each : snapshots) {
        LOG.error(
            "snapshot {}: the volume cannot be rolled back: {}", each.device(), e.getMessage());
      }
    }
  }

  /** See {@link Snapshots#pause}. */
  public void pause(String device, boolean paused) throws RefusedException {
    changes.lock();
    try {
      running.pause(registry.existing(device), paused);
    } finally {
      changes.unlock();
    }
  }

  /** See {@link Snapshots#progress}. */
  public @Nullable MergeStatus progress(String device) {
    return running.progress(device);
  }

  /** See {@link Snapshots#unrecordedEnd}. */
  public @Nullable String unrecordedEnd(String device) {
    return watch.unrecorded(device);
  }

  /** The snapshot that a volume is being rolled back to. */
  public @Nullable SnapshotState merging(String volume) {
    return order.merging(volume);
  }

  /** A snapshot was removed. Those that it was to be merged with are ready. By its turn. */
  public void removed(SnapshotState snapshot) throws RefusedException {
    nextLogins.forget(snapshot.device());
    for (SnapshotState each : MergeOrder.together(registry.state(), snapshot)) {
      if (snapshot.turn() > 0 && registry.state().snapshot(each.device()) != null) {
        LOG.warn(
            "snapshot {}: the rollback is cancelled, since {} was removed",
            each.device(),
            snapshot.device());
        registry.put(each.withSecondStore(null).in(Phase.READY));
      }
    }
  }

  /** Something changed that a merge may have waited for. */
  public void wake() {
    watch.wake();
  }

  /** Waits until every notification so far has been handled. */
  public void settle() throws InterruptedException {
    watch.settle();
  }

  /** Hooks of snapshots that are being taken are ended, too: nobody has a turn in Changes here. */
  public void close() {
    nextLogins.close();
    hooks.close();
    watch.close();
  }
}
