// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.Executor;

/**
 * The clock and executor of every part. Production uses threads and {@code System.nanoTime}; the
 * simulator uses one thread and a simulated clock. No code uses another clock or executor.
 */
public interface Scheduler extends Executor {
  /** Nanoseconds on a monotonic clock of arbitrary origin. */
  long nanoTime();

  /** Runs {@code task} soon, never inside this call. It must not block. */
  @Override
  void execute(Runnable task);

  /** Runs {@code task} once, after at least {@code delayNanos}. It must not block. */
  Timer schedule(Runnable task, long delayNanos);

  /** A scheduled task. */
  interface Timer {
    /** Cancels the task if it has not started; otherwise does nothing. */
    void cancel();
  }
}
