// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.device;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.api.TaskManagementFunction.Response;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.TaskSet;
import org.anabranch.scsi.unit.UnitView;

/**
 * The task management functions that address one logical unit (SAM-5 7).
 *
 * <pre>
 *   function             ends                                other nexuses then owe (TAS = 0)
 *   ABORT TASK           one task of the nexus by this LUN   -
 *   ABORT TASK SET       all tasks of the nexus by this LUN  -
 *   CLEAR TASK SET       all tasks, by whatever LUN          2F/00 if they lost one
 *   LOGICAL UNIT RESET   all tasks                           29/03, every nexus
 * </pre>
 *
 * With TAS = 1 a task that another nexus ended reports TASK ABORTED instead of the attention.
 */
public final class TaskManagement {
  private TaskManagement() {}

  static void run(
      UnitView view,
      Nexus nexus,
      TaskManagementFunction function,
      int tag,
      Consumer<Response> done) {
    LogicalUnit unit = view.unit();
    switch (function) {
      case ABORT_TASK -> abortTask(view, nexus, tag, done);
      case ABORT_TASK_SET ->
          unit.tasks()
              .abort(
                  task -> task.isOf(nexus) && task.cameBy(view),
                  nexus,
                  TaskSet.Abort.SILENTLY,
                  () -> done.accept(Response.COMPLETE));
      case CLEAR_TASK_SET -> clearTaskSet(unit, nexus, done);
      case LOGICAL_UNIT_RESET ->
          unit.reset(nexus, SenseCode.UNIT_RESET_OCCURRED, () -> done.accept(Response.COMPLETE));
      default -> done.accept(Response.NOT_SUPPORTED);
    }
  }

  private static void abortTask(UnitView view, Nexus nexus, int tag, Consumer<Response> done) {
    // The task may end by itself at any time, so only the abort itself tells whether it existed.
    AtomicBoolean found = new AtomicBoolean();
    view.unit()
        .tasks()
        .abort(
            task -> task.isOf(nexus) && task.cameBy(view) && task.task().tag() == tag,
            nexus,
            TaskSet.Abort.SILENTLY,
            task -> found.set(true),
            () -> done.accept(found.get() ? Response.COMPLETE : Response.TASK_DOES_NOT_EXIST));
  }

  private static void clearTaskSet(LogicalUnit unit, Nexus nexus, Consumer<Response> done) {
    TaskSet.Abort how = unit.abortOfOthers();
    Set<Nexus> losers = ConcurrentHashMap.newKeySet();
    unit.tasks()
        .abort(
            task -> true,
            nexus,
            how,
            task -> losers.add(task.nexus()),
            () -> done.accept(Response.COMPLETE));
    losers.remove(nexus);
    if (how == TaskSet.Abort.SILENTLY) {
      losers.forEach(
          loser -> unit.attentions().add(loser, SenseCode.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR));
    }
  }
}
