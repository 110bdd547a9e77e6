// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The production scheduler: one daemon thread that runs tasks and timers in order of their times.
 *
 * <p>The queue holds a limited number of tasks and timers; further ones, and all after {@link
 * #close}, are rejected with a {@link RejectedExecutionException}. All callers have limits of their
 * own, far below this one, which only contains the damage of a defect. An exception thrown by a
 * task is logged, and the thread continues.
 */
public final class ThreadScheduler implements Scheduler, AutoCloseable {
  /** The default limit of the queue. */
  public static final int DEFAULT_MAX = 1 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(ThreadScheduler.class);

  private final ScheduledThreadPoolExecutor executor;
  private final int most;

  public ThreadScheduler(String threadName) {
    this(threadName, DEFAULT_MAX);
  }

  /**
   * Starts the thread.
   *
   * @param threadName the thread's name, after its role
   * @param most the largest number of queued tasks and timers, at least 1
   */
  public ThreadScheduler(String threadName, int most) {
    this.most = most;
    this.executor =
        new ScheduledThreadPoolExecutor(
            1, task -> Thread.ofPlatform().name(threadName).daemon().unstarted(task));
    executor.prestartCoreThread(); // so that it is there when the system has no threads to give
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
      throw new RejectedExecutionException(most + " tasks are queued already");
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

  /** Ends after the tasks passed to {@link #execute} so far; drops the timers. */
  @Override
  public void close() {
    executor.execute(executor::shutdown);
  }
}
