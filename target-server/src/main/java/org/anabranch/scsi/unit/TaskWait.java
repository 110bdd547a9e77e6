// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import org.anabranch.block.Scheduler.Timer;
import org.jspecify.annotations.Nullable;

/** Whoever waits for several tasks to end, for a time or for as long as it takes. Thread-safe. */
final class TaskWait {
  private final Runnable done;

  /** Ends that are still to come, and one for the caller that counts them. */
  @GuardedBy("this")
  private int left = 1;

  @GuardedBy("this")
  private boolean told;

  @GuardedBy("this")
  private @Nullable Timer limit;

  /**
   * @param done told once, with no lock held
   */
  TaskWait(Runnable done) {
    this.done = done;
  }

  /** One task more to wait for; to be run at its end. */
  synchronized Runnable more() {
    left++;
    return this::one;
  }

  /** Waits no longer than until this timer has run, which calls {@link #over}. */
  synchronized void atMost(Timer timer) {
    if (told) {
      timer.cancel();
    } else {
      limit = timer;
    }
  }

  /** One of those that it waits for is over. */
  void one() {
    boolean last;
    synchronized (this) {
      last = --left == 0;
    }
    if (last) {
      over();
    }
  }

  /** Waits no longer. */
  void over() {
    Timer timer;
    synchronized (this) {
      if (told) {
        return;
      }
      told = true;
      timer = limit;
    }
    if (timer != null) {
      timer.cancel();
    }
    done.run();
  }
}
