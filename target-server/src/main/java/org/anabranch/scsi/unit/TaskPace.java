// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import org.anabranch.block.Scheduler;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.rate.Delayed;
import org.anabranch.scsi.rate.RateLimiter;
import org.anabranch.scsi.rate.Traffic;

/**
 * Where the commands of one unit wait for its rate limits.
 *
 * <pre>
 *   command                                   counts as one                 with the bytes of
 *   READ, VERIFY                              read                          its blocks
 *   WRITE, WRITE AND VERIFY, COMPARE AND      write                         its blocks
 *   WRITE, ORWRITE, WRITE SAME
 *   UNMAP, WRITE SAME with UNMAP              write                         0: no data moves
 *   EXTENDED COPY                             read at its source and write at its target, for each
 *                                             piece of 256 KiB
 *   SYNCHRONIZE CACHE and all others          nothing
 * </pre>
 *
 * A command waits in its task set, as PREPARED. So it ends at once when it is aborted, and holds
 * back what is behind it if it is ORDERED. A flush is not counted: a limit that delays it would
 * make what was written before it less safe. Any thread.
 */
public final class TaskPace {
  private final LogicalUnit unit;
  private final Scheduler clock;
  private final TaskCounts counts;

  /** Replaced before the unit has a path. */
  private volatile RateLimiter limiter;

  TaskPace(LogicalUnit unit, Scheduler scheduler, TaskCounts counts) {
    this.unit = unit;
    this.clock = scheduler;
    this.counts = counts;
    this.limiter = new RateLimiter(scheduler);
  }

  /** Waits there from now on. Called before the unit has a path. */
  public void limitedBy(RateLimiter newLimiter) {
    limiter = newLimiter;
  }

  /** Whether a task that was prepared may go on now; if not, it is told later. */
  boolean mayGoOn(UnitTask task) {
    Command command = task.command;
    if (!limiter.isLimited() || command == null) {
      return true;
    }
    Traffic traffic = command.traffic();
    if (traffic == null) {
      return true;
    }
    long bytes = command.movedBytes(unit, task.task().cdb());
    return enter(task, traffic, bytes, task.task()::goOn);
  }

  /**
   * Runs {@code next}, a piece of a task that is at work, when the limits let it: now or later. If
   * the task is aborted in the meantime it runs at once.
   */
  public void run(Task task, Traffic traffic, long bytes, Runnable next) {
    if (!limiter.isLimited() || enter(UnitTask.of(task), traffic, bytes, next)) {
      next.run();
    }
  }

  private boolean enter(UnitTask task, Traffic traffic, long bytes, Runnable next) {
    long since = clock.nanoTime();
    Delayed delayed =
        new Delayed(
            limiter,
            task.nexus(),
            traffic,
            bytes,
            () -> {
              counts.delayed(clock.nanoTime() - since);
              next.run();
            });
    task.delayedBy(delayed);
    return limiter.enter(delayed);
  }

  /** The nexus is lost; its tasks have been aborted. */
  void nexusLost(Object nexus) {
    limiter.forget(nexus);
  }
}
