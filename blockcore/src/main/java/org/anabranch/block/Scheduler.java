// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.Executor;

/**
 * The clock and the executor that every part is given, and never reaches around: production gives
 * threads and System.nanoTime, the simulator gives one thread and a clock of its own.
 */
public interface Scheduler extends Executor {
  /** Nanoseconds on a monotonic clock of arbitrary origin. */
  long nanoTime();

  /** Runs {@code task} soon, after the caller's turn, never inside this call. It must not block. */
  @Override
  void execute(Runnable task);

  /** Runs {@code task} once, no earlier than {@code delayNanos} from now. It must not block. */
  Timer schedule(Runnable task, long delayNanos);

  /** A scheduled task. */
  interface Timer {
    /** Prevents the task from running if it has not begun; harmless otherwise. */
    void cancel();
  }
}
