// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.anabranch.block.Scheduler;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.Task;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tasks of one logical unit: which may run ({@link TaskOrder}), and what happens to those that
 * are aborted:
 *
 * <pre>
 *   not begun           ends at once
 *   running             ends when its last Io has come back, if that takes no longer than half a second
 *   running for longer  is disowned: its initiator is done with it, its Io and its buffers are not
 * </pre>
 *
 * Whoever aborts tasks is answered when each has ended or is disowned, so that a device that hangs
 * does not hold up task management, logout or the next login.
 *
 * <p>A write that was aborted may have reached the medium or not, but it must not reach it after a
 * later write that was acknowledged. So while a disowned task has an Io at the device, no command
 * that makes an Io begins: it stays BLOCKED, and can be aborted at once. Commands that only report
 * run. Since nothing more goes to a device that hangs, disowned tasks do not add up either.
 *
 * <p>One lock guards the order of the tasks and their fields. Nothing is called while it is held.
 */
public final class TaskSet {
  /** The most tasks in a set, disowned ones included; one more gets TASK SET FULL. */
  static final int MAX_TASKS = 1024;

  /** How long an abort waits for the Ios of a task that runs. */
  static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

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
  private final String device;
  private final Scheduler scheduler;
  private final Consumer<UnitTask> starter;
  private final TaskCounts counts;

  @GuardedBy("lock")
  private final TaskOrder order = new TaskOrder();

  /** Tasks that were given up while they ran. */
  @GuardedBy("lock")
  private final Set<UnitTask> disowned = new HashSet<>();

  /** Disowned tasks of other units that write to this one. */
  @GuardedBy("lock")
  private int disownedElsewhere;

  @GuardedBy("lock")
  private boolean closed;

  /**
   * A set without tasks.
   *
   * @param device its name, for the log
   * @param scheduler runs tasks that were held back, and has the clock
   * @param starter begins a task that may run
   * @param counts is told of each task
   */
  public TaskSet(
      String device, Scheduler scheduler, Consumer<UnitTask> starter, TaskCounts counts) {
    this.device = device;
    this.scheduler = scheduler;
    this.counts = counts;
    this.starter = starter;
  }

  /** Enters a task, or refuses it because the set is full or closed. */
  public Entry enter(UnitTask task) {
    counts.arrived(task);
    synchronized (lock) {
      if (closed || order.size() + disowned.size() >= MAX_TASKS) {
        return closed ? Entry.CLOSED : Entry.FULL;
      }
      order.enter(task);
      return Entry.ENTERED;
    }
  }

  /** How many tasks are in the set. */
  int size() {
    synchronized (lock) {
      return order.size() + disowned.size();
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
      if (!order.begin(task, isHeldBack())) {
        return;
      }
    }
    starter.accept(task);
  }

  /** Whether aborted tasks still have Ios at the device. */
  @GuardedBy("lock")
  private boolean isHeldBack() {
    return !disowned.isEmpty() || disownedElsewhere > 0;
  }

  /** Ends a running task, or one that could not begin. An aborted one ends as that. */
  public void end(Task ended, Status status, byte[] sense, int transferred) {
    UnitTask task = UnitTask.of(ended);
    @Nullable Abort abort;
    boolean wasDisowned;
    boolean answersAgain;
    List<Runnable> watchers;
    List<UnitTask> enabled;
    synchronized (lock) {
      if (task.phase == UnitTask.Phase.ENDED) {
        task.nexus()
            .in(log.atError())
            .setCause(new IllegalStateException())
            .log("{} ended twice", task);
        return;
      }
      abort = task.abort;
      watchers = task.takeEndWatchers();
      wasDisowned = disowned.remove(task);
      if (wasDisowned) {
        task.phase = UnitTask.Phase.ENDED;
      } else {
        order.leave(task, UnitTask.Phase.ENDED);
      }
      answersAgain = wasDisowned && disowned.isEmpty();
      enabled = order.enable(isHeldBack());
    }
    if (answersAgain) {
      task.nexus()
          .in(log.atInfo())
          .log("{} has ended the commands that were given up, the last one {}", device, task);
    }
    if (wasDisowned) {
      ended.endDisowned();
      task.alsoWritesTo().forEach(TaskSet::letGo);
    } else if (abort == null) {
      counts.ended(task, status, transferred);
      ended.end(status, sense, transferred);
    } else {
      endAborted(task, abort);
    }
    watchers.forEach(Runnable::run);
    startAll(enabled);
  }

  private void startAll(List<UnitTask> enabled) {
    enabled.forEach(next -> scheduler.execute(() -> starter.accept(next)));
  }

  /** Whether the task was told to stop; long commands ask between two Ios. */
  public boolean isAborting(Task task) {
    synchronized (lock) {
      return UnitTask.of(task).abort != null;
    }
  }

  /** The task writes to other units, too: a copy. Called before it begins to. */
  public void alsoWritesTo(Task task, Collection<TaskSet> others) {
    UnitTask.of(task).alsoWritesTo(others.stream().filter(set -> set != this).toList());
  }

  /** Aborts tasks; nobody waits for their end. */
  public void abort(Predicate<UnitTask> which, @Nullable Nexus by, Abort how) {
    abort(which, by, how, task -> {}, () -> {});
  }

  /** Aborts tasks, and tells {@code done} when all of them have ended or are disowned. */
  public void abort(Predicate<UnitTask> which, @Nullable Nexus by, Abort how, Runnable done) {
    abort(which, by, how, task -> {}, done);
  }

  /**
   * Aborts the tasks that {@code which} chooses. A disowned task is in the set no more.
   *
   * @param how how those of other nexuses than {@code by} end; its own end silently
   * @param each told of each chosen task, with no lock held
   * @param done told once, when all of them have ended or are disowned
   */
  public void abort(
      Predicate<UnitTask> which,
      @Nullable Nexus by,
      Abort how,
      Consumer<UnitTask> each,
      Runnable done) {
    TaskWait wait = new TaskWait(done);
    List<UnitTask> running = new ArrayList<>();
    List<UnitTask> chosen;
    boolean hangs;
    List<Runnable> ends;
    synchronized (lock) {
      hangs = isHeldBack();
      chosen = order.find(which);
      ends = stop(chosen, by, how, wait, running);
    }
    ends.forEach(Runnable::run);
    chosen.forEach(each);
    if (hangs) {
      disown(running);
      wait.over();
    } else if (!running.isEmpty()) {
      wait.atMost(
          scheduler.schedule(
              () -> {
                disown(running);
                wait.over();
              },
              PATIENCE_NANOS));
    }
    wait.one();
  }

  /**
   * Aborts the tasks that {@code which} chooses silently, and tells {@code done} when all of them
   * have ended, however long that takes; those that were disowned before as well. After that none
   * of them uses the device.
   */
  void drain(Predicate<UnitTask> which, Runnable done) {
    TaskWait wait = new TaskWait(done);
    List<Runnable> ends;
    synchronized (lock) {
      ends = stop(order.find(which), null, Abort.SILENTLY, wait, new ArrayList<>());
      disowned.stream().filter(which).forEach(task -> task.whenEnded(wait.more()));
    }
    ends.forEach(Runnable::run);
    wait.one();
  }

  /**
   * Aborts tasks.
   *
   * @param running takes those that run; {@code wait} waits for them
   * @return what is to be done without the lock
   */
  @GuardedBy("lock")
  private List<Runnable> stop(
      List<UnitTask> chosen, @Nullable Nexus by, Abort how, TaskWait wait, List<UnitTask> running) {
    List<Runnable> ends = new ArrayList<>();
    for (UnitTask task : chosen) {
      if (task.abort == null || task.isOf(by)) {
        task.abort = task.isOf(by) ? Abort.SILENTLY : how;
      }
      if (task.phase == UnitTask.Phase.RUNNING) {
        task.whenEnded(wait.more());
        running.add(task);
        ends.add(task::stopDelay);
      } else {
        Abort abort = task.abort;
        order.leave(task, UnitTask.Phase.ENDED);
        ends.add(() -> endAborted(task, abort));
        ends.add(task::stopDelay);
      }
    }
    List<UnitTask> enabled = order.enable(isHeldBack());
    ends.add(() -> startAll(enabled));
    return ends;
  }

  /** Gives up those of the aborted tasks that still run. */
  private void disown(List<UnitTask> aborted) {
    List<Runnable> notices = new ArrayList<>();
    List<UnitTask> enabled;
    boolean known;
    synchronized (lock) {
      known = !disowned.isEmpty();
      for (UnitTask task : aborted) {
        if (task.phase == UnitTask.Phase.RUNNING) {
          order.leave(task, UnitTask.Phase.DISOWNED);
          disowned.add(task);
          Abort how = task.abort == null ? Abort.SILENTLY : task.abort;
          notices.add(() -> disown(task, how));
        }
      }
      enabled = order.enable(isHeldBack());
    }
    if (!known && !notices.isEmpty()) {
      aborted
          .getFirst()
          .nexus()
          .in(log.atWarn())
          .log(
              "{} hangs: {} aborted commands are given up, the first one {};"
                  + " others that need it wait until it has ended them",
              device,
              notices.size(),
              aborted.getFirst());
    }
    notices.forEach(Runnable::run);
    startAll(enabled);
  }

  private void disown(UnitTask task, Abort how) {
    counts.aborted();
    task.alsoWritesTo().forEach(TaskSet::holdBack);
    if (how == Abort.SILENTLY) {
      task.task().disownSilently();
    } else {
      task.task().disown(Status.TASK_ABORTED);
    }
  }

  /** A disowned task of another unit may still write to this one. */
  private void holdBack() {
    synchronized (lock) {
      disownedElsewhere++;
    }
  }

  /** The opposite of {@link #holdBack}; may come first if the task ends just then. */
  private void letGo() {
    List<UnitTask> enabled;
    synchronized (lock) {
      disownedElsewhere--;
      enabled = order.enable(isHeldBack());
    }
    startAll(enabled);
  }

  private void endAborted(UnitTask task, Abort how) {
    counts.aborted();
    if (how == Abort.SILENTLY) {
      task.task().endAborted();
    } else {
      task.task().end(Status.TASK_ABORTED, Task.NO_SENSE, 0);
    }
  }
}
