// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The scheduler of production: one daemon thread for tasks and timers, in the order of their times.
 *
 * <p>At most {@code most} tasks and timers are queued; further ones are rejected with a {@link
 * RejectedExecutionException}, as are those after {@link #close}. All callers have bounds of their
 * own, far below this one, which only limits the damage of a defect. Exceptions of tasks are
 * logged, and the thread goes on.
 */
public final class ThreadScheduler implements Scheduler, AutoCloseable {
  /** The bound unless another is given. */
  public static final int DEFAULT_MAX = 1 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(ThreadScheduler.class);

  private final ScheduledThreadPoolExecutor executor;
  private final int most;

  public ThreadScheduler(String threadName) {
    this(threadName, DEFAULT_MAX);
  }

  /**
   * @param threadName names the thread after its role
   * @param most how many tasks and timers may wait, at least 1
   */
  public ThreadScheduler(String threadName, int most) {
    this.most = most;
    this.executor =
        new ScheduledThreadPoolExecutor(
            1, task -> Thread.ofPlatform().name(threadName).daemon().unstarted(task));
    executor.setRemoveOnCancelPolicy(true);
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public void execute(Runnable task) {
    checkRoom();
    executor.execute(guarded(task));
  }

  @Override
  public Timer schedule(Runnable task, long delayNanos) {
    checkRoom();
    ScheduledFuture<?> timer =
        executor.schedule(guarded(task), Math.max(0, delayNanos), TimeUnit.NANOSECONDS);
    return () -> timer.cancel(false);
  }

  private void checkRoom() {
    if (executor.getQueue().size() >= most) {
      throw new RejectedExecutionException(most + " tasks wait already");
    }
  }

  private static Runnable guarded(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (Throwable e) {
        LOG.error("a task failed", e);
      }
    };
  }

  /** Ends after the tasks given to {@link #execute} so far; drops the timers. */
  @Override
  public void close() {
    executor.execute(executor::shutdown);
  }
}
