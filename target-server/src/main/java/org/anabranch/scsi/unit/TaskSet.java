// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.TaskAttribute;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tasks of one logical unit, oldest first, and who may run (SAM-5 8).
 *
 * <pre>
 *   attribute       enters at   may run when the set holds
 *   SIMPLE, ACA     the end     no older ORDERED or HEAD OF QUEUE task
 *   ORDERED         the end     no older task at all
 *   HEAD OF QUEUE   the front   anything
 * </pre>
 *
 * <p>What happens to a task that is aborted: one that has not begun ends at once; one that runs
 * ends when its last Io has come back, so that nothing it does can be seen after its end. Whoever
 * aborted it is told then.
 *
 * <p>One lock guards the list and the tasks' places in it. Nothing is called while it is held.
 */
public final class TaskSet {
  /** The most tasks in a set; one more gets TASK SET FULL. */
  static final int MAX_TASKS = 1024;

  /** How an aborted task ends. */
  public enum Abort {
    SILENTLY,
    /** With TASK ABORTED (control mode page, TAS). */
    WITH_STATUS
  }

  /** What became of a task that wanted to enter. */
  public enum Entry {
    ENTERED,
    FULL,
    CLOSED
  }

  private static final Logger log = LoggerFactory.getLogger(TaskSet.class);

  private final Object lock = new Object();
  private final Executor executor;
  private final Consumer<UnitTask> starter;

  /** The list's ends, its length, its tasks that are not SIMPLE, its BLOCKED ones; by lock. */
  private @Nullable UnitTask oldest;

  private @Nullable UnitTask newest;
  private int size;
  private int special;
  private int blocked;
  private boolean closed;

  /**
   * @param executor runs tasks that were held back
   * @param starter begins a task that may run
   */
  public TaskSet(Executor executor, Consumer<UnitTask> starter) {
    this.executor = executor;
    this.starter = starter;
  }

  /** Enters a task, or refuses it because the set is full or closed. */
  public Entry enter(UnitTask task) {
    synchronized (lock) {
      if (closed || size == MAX_TASKS) {
        return closed ? Entry.CLOSED : Entry.FULL;
      }
      task.phase = UnitTask.Phase.PREPARED;
      if (task.attribute() == TaskAttribute.HEAD_OF_QUEUE) {
        linkFirst(task);
      } else {
        linkLast(task);
      }
      size++;
      if (isSpecial(task)) {
        special++;
      }
      return Entry.ENTERED;
    }
  }

  /** From now on no task enters. */
  void close() {
    synchronized (lock) {
      closed = true;
    }
  }

  /** The task is complete: starts it, now or when those before it have ended. */
  void execute(UnitTask task) {
    synchronized (lock) {
      if (task.phase != UnitTask.Phase.PREPARED) {
        return; // Aborted while its data was on the way.
      }
      if (!mayRun(task)) {
        task.phase = UnitTask.Phase.BLOCKED;
        blocked++;
        return;
      }
      task.phase = UnitTask.Phase.RUNNING;
    }
    starter.accept(task);
  }

  /** Ends a running task, or one that could not begin. An aborted one ends as that. */
  public void end(Task ended, Status status, byte[] sense, int transferred) {
    @Nullable Abort abort;
    @Nullable List<Runnable> watchers;
    List<UnitTask> enabled;
    UnitTask task = UnitTask.of(ended);
    synchronized (lock) {
      if (task.phase == UnitTask.Phase.ENDED) {
        log.error("{} ended twice", task, new IllegalStateException());
        return;
      }
      abort = task.abort;
      watchers = task.endWatchers;
      enabled = leave(task);
    }
    if (abort == null) {
      ended.end(status, sense, transferred);
    } else {
      endAborted(task, abort);
    }
    if (watchers != null) {
      watchers.forEach(Runnable::run);
    }
    enabled.forEach(next -> executor.execute(() -> starter.accept(next)));
  }

  /** Whether the task was told to stop; long commands ask between two Ios. */
  public boolean isAborting(Task task) {
    synchronized (lock) {
      return UnitTask.of(task).abort != null;
    }
  }

  /** Aborts tasks; nobody waits for their end. */
  public void abort(Predicate<UnitTask> which, @Nullable Nexus by, Abort how) {
    abort(which, by, how, task -> {}, () -> {});
  }

  /** Aborts tasks, and tells {@code done} when they have ended. */
  public void abort(Predicate<UnitTask> which, @Nullable Nexus by, Abort how, Runnable done) {
    abort(which, by, how, task -> {}, done);
  }

  /**
   * Aborts the tasks that {@code which} chooses.
   *
   * @param how how those of other nexuses than {@code by} end; its own end silently
   * @param each told of each chosen task, with no lock held
   * @param done told once, when all of them have ended
   */
  public void abort(
      Predicate<UnitTask> which,
      @Nullable Nexus by,
      Abort how,
      Consumer<UnitTask> each,
      Runnable done) {
    List<UnitTask> chosen = new ArrayList<>();
    List<UnitTask> idle = new ArrayList<>();
    List<UnitTask> enabled = new ArrayList<>();
    AtomicInteger left = new AtomicInteger(1);
    Runnable one =
        () -> {
          if (left.decrementAndGet() == 0) {
            done.run();
          }
        };
    synchronized (lock) {
      for (UnitTask task = oldest; task != null; task = task.newer) {
        if (which.test(task)) {
          chosen.add(task);
        }
      }
      for (UnitTask task : chosen) {
        if (task.abort == null) {
          task.abort = task.isOf(by) ? Abort.SILENTLY : how;
        }
        if (task.phase == UnitTask.Phase.RUNNING) {
          left.incrementAndGet();
          if (task.endWatchers == null) {
            task.endWatchers = new ArrayList<>(1);
          }
          task.endWatchers.add(one);
        } else {
          idle.add(task);
        }
      }
      for (UnitTask task : idle) {
        enabled.addAll(leave(task));
      }
      enabled.removeIf(task -> task.phase != UnitTask.Phase.RUNNING);
    }
    idle.forEach(task -> endAborted(task, Objects.requireNonNull(task.abort)));
    chosen.forEach(each);
    enabled.forEach(next -> executor.execute(() -> starter.accept(next)));
    one.run();
  }

  private static void endAborted(UnitTask task, Abort how) {
    if (how == Abort.SILENTLY) {
      task.task().endAborted();
    } else {
      task.task().end(Status.TASK_ABORTED, Task.NO_SENSE, 0);
    }
  }

  /** Takes the task out; returns the tasks that were waiting for that, RUNNING from now on. */
  private List<UnitTask> leave(UnitTask task) {
    if (task.phase == UnitTask.Phase.BLOCKED) {
      blocked--;
    }
    task.phase = UnitTask.Phase.ENDED;
    unlink(task);
    size--;
    if (isSpecial(task)) {
      special--;
    }
    if (blocked == 0) {
      return List.of();
    }
    List<UnitTask> enabled = new ArrayList<>();
    boolean behindSpecial = false;
    for (UnitTask each = oldest; each != null; each = each.newer) {
      if (each.phase == UnitTask.Phase.BLOCKED
          && (isOrdered(each) ? each.older == null : !behindSpecial)) {
        each.phase = UnitTask.Phase.RUNNING;
        blocked--;
        enabled.add(each);
      }
      behindSpecial |= isSpecial(each);
    }
    return enabled;
  }

  private boolean mayRun(UnitTask task) {
    if (task.attribute() == TaskAttribute.HEAD_OF_QUEUE) {
      return true;
    }
    if (isOrdered(task)) {
      return task.older == null;
    }
    if (special > 0) {
      for (UnitTask before = task.older; before != null; before = before.older) {
        if (isSpecial(before)) {
          return false;
        }
      }
    }
    return true;
  }

  private static boolean isOrdered(UnitTask task) {
    return task.attribute() == TaskAttribute.ORDERED;
  }

  private static boolean isSpecial(UnitTask task) {
    return isOrdered(task) || task.attribute() == TaskAttribute.HEAD_OF_QUEUE;
  }

  private void linkFirst(UnitTask task) {
    task.newer = oldest;
    if (oldest == null) {
      newest = task;
    } else {
      oldest.older = task;
    }
    oldest = task;
  }

  private void linkLast(UnitTask task) {
    task.older = newest;
    if (newest == null) {
      oldest = task;
    } else {
      newest.newer = task;
    }
    newest = task;
  }

  private void unlink(UnitTask task) {
    if (task.older == null) {
      oldest = task.newer;
    } else {
      task.older.newer = task.newer;
    }
    if (task.newer == null) {
      newest = task.older;
    } else {
      task.newer.older = task.older;
    }
    task.older = null;
    task.newer = null;
  }
}
