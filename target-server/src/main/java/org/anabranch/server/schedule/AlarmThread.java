// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.schedule;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The thread {@code schedules}. */
public final class AlarmThread implements Alarm {
  private static final Logger LOG = LoggerFactory.getLogger(AlarmThread.class);

  private final ScheduledThreadPoolExecutor thread =
      new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("schedules").factory());
  private @Nullable ScheduledFuture<?> next; // guarded by this

  /** Without a task. */
  public AlarmThread() {
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    thread.setRemoveOnCancelPolicy(true);
  }

  @Override
  public synchronized void set(Duration in, Runnable task) {
    if (next != null) {
      next.cancel(false);
    }
    try {
      next = thread.schedule(() -> logged(task), in.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("the server stops; nothing is due any more", e);
    }
  }

  private static void logged(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.error("schedules: unexpected failure", e);
    }
  }

  @Override
  public void close() {
    thread.shutdown();
  }
}
