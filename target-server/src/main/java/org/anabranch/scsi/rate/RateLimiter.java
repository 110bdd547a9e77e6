// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.rate;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import org.anabranch.block.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * The rate limits of one volume.
 *
 * <dl>
 *   <dt>Who is next?
 *   <dd>The session that has had least of the limit since others began to wait (start-time fair
 *       queueing). So a session with one command at a time is served as often as one with 128, and
 *       under a limit of bytes a session with large commands gets as many bytes as one with small
 *       ones. Where several limits hold, what counts is the one that is tightest for the command
 *       (dominant resource fairness). Where no limit holds for reads and writes together, each
 *       direction has its own turns: what a session reads takes nothing from what it may write.
 *   <dt>Do reads wait for writes?
 *   <dd>Only if a limit of both together is used up. A limit of writes alone delays no read.
 *   <dt>How many can wait?
 *   <dd>Commands in the windows of the sessions that see the volume; the task set of the unit has
 *       at most 1024.
 *   <dt>Who wakes them?
 *   <dd>One timer, which is set only while something waits, and for 1 ms at least: a high limit
 *       lets several commands go on each time.
 *   <dt>What does it cost where there is no limit?
 *   <dd>A read of {@link #isLimited} for each command.
 * </dl>
 *
 * <p>Any thread. Nothing is called while the lock is held.
 */
public final class RateLimiter {
  /** Timers are not set for less: their thread would do nothing else. */
  private static final long LEAST_WAIT_NANOS = 1_000_000;

  /** A timer that comes late by less takes nothing away from those who wait. */
  private static final long LATE_NANOS = 100_000_000;

  private final Scheduler scheduler;
  private final Object lock = new Object();

  /** Written under the lock. */
  private volatile RateLimits limits = RateLimits.NONE;

  /** Written under the lock. */
  private volatile boolean limited;

  @GuardedBy("lock")
  private Buckets buckets = new Buckets(RateLimits.NONE, 0);

  /** Sessions that wait, or have waited while others still do. */
  @GuardedBy("lock")
  private final Map<Object, SessionQueue> sessions = new HashMap<>();

  @GuardedBy("lock")
  private final TreeSet<SessionQueue> reading = new TreeSet<>(order(Traffic.READ));

  @GuardedBy("lock")
  private final TreeSet<SessionQueue> writing = new TreeSet<>(order(Traffic.WRITE));

  /** The turn of the session that was served last, in each direction. */
  @GuardedBy("lock")
  private final Turns served = new Turns();

  @GuardedBy("lock")
  private long lastNumber;

  @GuardedBy("lock")
  private Scheduler.@Nullable Timer timer;

  @GuardedBy("lock")
  private long timerAt;

  /** A limiter without limits. */
  public RateLimiter(Scheduler scheduler) {
    this.scheduler = scheduler;
  }

  private static Comparator<SessionQueue> order(Traffic traffic) {
    return Comparator.<SessionQueue>comparingDouble(session -> session.turns.of(traffic))
        .thenComparingLong(session -> session.of(traffic).getFirst().number);
  }

  /** Whether anything is limited. */
  public boolean isLimited() {
    return limited;
  }

  /** The limits in force. */
  public RateLimits limits() {
    return limits;
  }

  /** Changes the limits, also for what waits. */
  public void limits(RateLimits changed) {
    List<Delayed> ready = new ArrayList<>();
    synchronized (lock) {
      if (changed.equals(limits)) {
        return;
      }
      buckets = new Buckets(changed, scheduler.nanoTime());
      if (limited) {
        buckets.empty();
      }
      limits = changed;
      limited = !changed.isNone();
      beginTurns();
      serve(ready);
    }
    ready.forEach(Delayed::goOn);
  }

  /** What sessions have had of other limits says nothing of these. */
  @GuardedBy("lock")
  private void beginTurns() {
    reading.clear();
    writing.clear();
    served.begin();
    for (SessionQueue session : sessions.values()) {
      session.turns.begin();
      enterLanes(session);
    }
  }

  /**
   * Whether a command may go on now. If not, it waits for its turn.
   *
   * @return false: {@code goOn} runs later
   */
  public boolean enter(Delayed delayed) {
    List<Delayed> ready = new ArrayList<>();
    boolean now;
    synchronized (lock) {
      if (delayed.released || buckets.isEmpty()) {
        delayed.released = true;
        return true;
      }
      if (reading.isEmpty() && writing.isEmpty()) {
        buckets.fill(scheduler.nanoTime(), 0);
        if (isDue(delayed)) {
          buckets.take(delayed);
          delayed.released = true;
          return true;
        }
      }
      boolean first = lane(delayed.traffic()).isEmpty();
      add(delayed);
      if (first) {
        serve(ready);
      }
      now = ready.remove(delayed);
    }
    ready.forEach(Delayed::goOn);
    return now;
  }

  @GuardedBy("lock")
  private boolean isDue(Delayed delayed) {
    return buckets.nanosUntilBoth(delayed) == 0 && buckets.nanosUntilOwn(delayed) == 0;
  }

  @GuardedBy("lock")
  private NavigableSet<SessionQueue> lane(Traffic traffic) {
    return traffic == Traffic.READ ? reading : writing;
  }

  @GuardedBy("lock")
  private void add(Delayed delayed) {
    SessionQueue session = sessions.computeIfAbsent(delayed.session(), _ -> new SessionQueue());
    delayed.number = ++lastNumber;
    leaveLanes(session);
    joinTurns(session, delayed.traffic());
    session.of(delayed.traffic()).add(delayed);
    enterLanes(session);
  }

  /**
   * A session that has not waited is not owed what others have had meanwhile: it begins where those
   * are who wait in the same direction, or where the one was that was served last.
   */
  @GuardedBy("lock")
  private void joinTurns(SessionQueue session, Traffic traffic) {
    boolean waits = buckets.areJoined() ? !session.isEmpty() : !session.of(traffic).isEmpty();
    if (waits) {
      return;
    }
    NavigableSet<SessionQueue> others = lane(traffic);
    double least = others.isEmpty() ? served.of(traffic) : others.first().turns.of(traffic);
    turn(session, traffic, Math.max(session.turns.of(traffic), least));
  }

  /** Changes the turn of a session that is in no lane. */
  @GuardedBy("lock")
  private void turn(SessionQueue session, Traffic traffic, double turn) {
    for (Traffic each : Traffic.values()) {
      if (each == traffic || buckets.areJoined()) {
        session.turns.set(each, turn);
      }
    }
  }

  /** Takes out what may go on now, in its order, and sets the timer for the rest. */
  @GuardedBy("lock")
  private void serve(List<Delayed> ready) {
    long now = scheduler.nanoTime();
    buckets.fill(now, LATE_NANOS);
    long wait = Long.MAX_VALUE;
    @Nullable Traffic closed = null;
    while (true) {
      Delayed next = next(closed);
      if (next == null) {
        break;
      }
      long both = buckets.nanosUntilBoth(next);
      long own = buckets.nanosUntilOwn(next);
      if (both > 0) { // nobody overtakes it: it would never have all that it needs
        wait = Math.min(wait, Math.max(both, own));
        break;
      }
      if (own > 0 && closed != null) {
        wait = Math.min(wait, own);
        break;
      }
      if (own > 0) {
        wait = own;
        closed = next.traffic();
        continue;
      }
      remove(next, buckets.share(next));
      buckets.take(next);
      ready.add(next);
    }
    setTimer(now, wait);
  }

  /**
   * Whose turn it is.
   *
   * @param closed in this direction nothing can go on
   */
  @GuardedBy("lock")
  private @Nullable Delayed next(@Nullable Traffic closed) {
    Delayed read = closed == Traffic.READ || reading.isEmpty() ? null : first(Traffic.READ);
    Delayed write = closed == Traffic.WRITE || writing.isEmpty() ? null : first(Traffic.WRITE);
    if (read == null || write == null) {
      return read == null ? write : read;
    }
    int order =
        Double.compare(
            reading.first().turns.of(Traffic.READ), writing.first().turns.of(Traffic.WRITE));
    return order < 0 || (order == 0 && read.number < write.number) ? read : write;
  }

  @GuardedBy("lock")
  private Delayed first(Traffic traffic) {
    return lane(traffic).first().of(traffic).getFirst();
  }

  /**
   * Takes a command out of its queue.
   *
   * @param share what its session has had by it
   */
  @GuardedBy("lock")
  private void remove(Delayed delayed, double share) {
    delayed.released = true;
    SessionQueue session = sessions.get(delayed.session());
    if (session == null) {
      return;
    }
    leaveLanes(session);
    session.of(delayed.traffic()).remove(delayed);
    if (share > 0) {
      double turn = session.turns.of(delayed.traffic());
      for (Traffic each : Traffic.values()) {
        if (each == delayed.traffic() || buckets.areJoined()) {
          served.set(each, turn);
        }
      }
      turn(session, delayed.traffic(), turn + share);
    }
    enterLanes(session);
    if (reading.isEmpty() && writing.isEmpty()) {
      sessions.clear(); // nobody is owed a turn
      served.begin();
    }
  }

  /** Before its turn or its queues change. */
  @GuardedBy("lock")
  private void leaveLanes(SessionQueue session) {
    for (Traffic traffic : Traffic.values()) {
      if (!session.of(traffic).isEmpty()) {
        lane(traffic).remove(session);
      }
    }
  }

  @GuardedBy("lock")
  private void enterLanes(SessionQueue session) {
    for (Traffic traffic : Traffic.values()) {
      if (!session.of(traffic).isEmpty()) {
        lane(traffic).add(session);
      }
    }
  }

  @GuardedBy("lock")
  private void setTimer(long now, long wait) {
    if (wait == Long.MAX_VALUE) {
      stopTimer();
      return;
    }
    long at = now + Math.max(wait, LEAST_WAIT_NANOS);
    if (timer == null || at - timerAt < 0) {
      stopTimer();
      timerAt = at;
      timer = scheduler.schedule(this::wake, at - now);
    }
  }

  @GuardedBy("lock")
  private void stopTimer() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }

  private void wake() {
    List<Delayed> ready = new ArrayList<>();
    synchronized (lock) {
      timer = null;
      serve(ready);
    }
    ready.forEach(Delayed::goOn);
  }

  /** See {@link Delayed#release}. */
  void release(Delayed delayed) {
    List<Delayed> ready = new ArrayList<>();
    synchronized (lock) {
      if (delayed.released) {
        return;
      }
      SessionQueue session = sessions.get(delayed.session());
      if (session == null || !session.of(delayed.traffic()).contains(delayed)) {
        delayed.released = true; // it has not entered yet
        return;
      }
      remove(delayed, 0);
      ready.add(delayed);
      serve(ready);
    }
    ready.forEach(Delayed::goOn);
  }

  /** A session is over; nothing of it waits any more. */
  public void forget(Object session) {
    synchronized (lock) {
      SessionQueue queue = sessions.get(session);
      if (queue != null && queue.isEmpty()) {
        sessions.remove(session);
      }
    }
  }

  /** How many commands wait now. */
  public int waiting() {
    synchronized (lock) {
      return sessions.values().stream()
          .mapToInt(each -> each.of(Traffic.READ).size() + each.of(Traffic.WRITE).size())
          .sum();
    }
  }
}
