// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.loop;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Looks at the loops of a group each {@value #TICK_MILLIS} ms while they make calls that may block,
 * and relieves those that are in the same call as the last time. A deadline for each call would
 * cost more than most of the calls themselves. Nothing runs while no calls are made.
 */
final class LoopWatch implements Runnable {
  static final int TICK_MILLIS = 5;

  /** After so many looks without a call it sleeps until it is woken. */
  private static final int QUIET_TICKS = 40;

  private final Thread thread;

  @GuardedBy("this")
  private final List<RelievedLoop> loops = new ArrayList<>();

  private volatile boolean asleep;
  private volatile boolean ended;

  LoopWatch() {
    thread = new Thread(this, "iscsi watch");
    thread.setDaemon(true);
  }

  /** Starts its thread; {@link OutOfMemoryError} if the system refuses that. */
  void start() {
    thread.start();
  }

  synchronized void add(RelievedLoop loop) {
    loops.add(loop);
  }

  /** A loop is left for a call, or has nobody who stands by. Any thread. */
  void wake() {
    if (asleep) {
      asleep = false;
      LockSupport.unpark(thread);
    }
  }

  void end() {
    ended = true;
    LockSupport.unpark(thread);
  }

  @Override
  public void run() {
    int quiet = 0;
    while (!ended) {
      if (look()) {
        quiet = 0;
      } else {
        quiet++;
      }
      if (quiet < QUIET_TICKS) {
        LockSupport.parkNanos(this, TimeUnit.MILLISECONDS.toNanos(TICK_MILLIS));
        continue;
      }
      asleep = true;
      while (asleep && !ended && !look()) { // one that was left before it slept did not wake it
        LockSupport.park(this);
      }
      asleep = false;
      quiet = 0;
    }
  }

  private synchronized boolean look() {
    boolean calls = false;
    for (RelievedLoop loop : loops) {
      calls |= loop.look();
    }
    return calls;
  }
}
