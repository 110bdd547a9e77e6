// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.TaskAttribute;
import org.anabranch.scsi.rate.Delayed;
import org.jspecify.annotations.Nullable;

/** A task in its task set: what it does, by which path it came, and where it stands. */
public final class UnitTask implements Task.Handler {
  /** From delivery to the end, see {@link TaskSet}. */
  enum Phase {
    NEW,
    /** In the task set; its data-out may still be on the way. */
    PREPARED,
    /** Complete, and held back by other tasks. */
    BLOCKED,
    /** Enabled: its command is being processed. */
    RUNNING,
    /** Aborted and given up; its last Io is still at the device. */
    DISOWNED,
    ENDED
  }

  private final Task task;
  private final TaskSet set;

  /** Null if the unit has no such command. */
  final @Nullable Command command;

  /** When it came, by the unit's clock; for its latency. */
  long arrived;

  /** The path by which it came; null where there is no unit. */
  final @Nullable UnitView view;

  /** Other units that it writes to. Set while it runs, by its command. */
  private volatile List<TaskSet> alsoWritesTo = List.of();

  /** What it waits for, if a rate limit delays it or one piece of it. Set by one at a time. */
  private volatile @Nullable Delayed delayed;

  /** Its place in its task set; these five are guarded by the set's lock. */
  @Nullable UnitTask older;

  @Nullable UnitTask newer;
  Phase phase = Phase.NEW;
  TaskSet.@Nullable Abort abort;
  private @Nullable List<Runnable> endWatchers;

  UnitTask(Task task, TaskSet set, @Nullable Command command, @Nullable UnitView view) {
    this.task = task;
    this.set = set;
    this.command = command;
    this.view = view;
    task.handler(this);
  }

  /** A task at a LUN where there is no unit. */
  public UnitTask(Task task, TaskSet set) {
    this(task, set, null, null);
  }

  /** Where a task that was prepared stands. */
  static UnitTask of(Task task) {
    return (UnitTask) Objects.requireNonNull(task.handler(), "not prepared");
  }

  public Task task() {
    return task;
  }

  public Nexus nexus() {
    return task.nexus();
  }

  /** Whether it is a task of this nexus. */
  public boolean isOf(@Nullable Nexus nexus) {
    return task.nexus().equals(nexus);
  }

  TaskAttribute attribute() {
    return task.attribute();
  }

  /** Whether it ends without an Io. */
  boolean makesNoIo() {
    return command == null || command.makesNoIo();
  }

  void alsoWritesTo(List<TaskSet> others) {
    alsoWritesTo = others;
  }

  List<TaskSet> alsoWritesTo() {
    return alsoWritesTo;
  }

  /** Runs {@code watcher} at its end. Called with the set's lock held. */
  void whenEnded(Runnable watcher) {
    if (endWatchers == null) {
      endWatchers = new ArrayList<>(1);
    }
    endWatchers.add(watcher);
  }

  /** Called with the set's lock held. */
  List<Runnable> takeEndWatchers() {
    List<Runnable> taken = endWatchers;
    endWatchers = null;
    return taken == null ? List.of() : taken;
  }

  /** Whether it came by this path. */
  public boolean cameBy(UnitView path) {
    return view == path;
  }

  /** Whether the path by which it came allows no writes. */
  boolean isReadOnlyPath() {
    return view != null && view.access() == PathAccess.READ_ONLY;
  }

  /** From now on an abort ends this wait. */
  void delayedBy(Delayed wait) {
    delayed = wait;
  }

  /** It was aborted: it waits for no rate limit any longer. Called with no lock held. */
  void stopDelay() {
    Delayed wait = delayed;
    if (wait != null) {
      wait.release();
    }
  }

  @Override
  public boolean pace() {
    return view == null || view.unit().pace().mayGoOn(this);
  }

  @Override
  public void execute() {
    set.execute(this);
  }

  @Override
  public void abandon() {
    set.abort(each -> each == this, nexus(), TaskSet.Abort.SILENTLY);
  }

  @Override
  public String toString() {
    return command + " of " + task.nexus();
  }
}
