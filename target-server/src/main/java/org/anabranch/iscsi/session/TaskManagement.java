// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.api.TaskManagementFunction.Response;
import org.anabranch.scsi.api.TaskRouter;

/**
 * Task management requests (RFC 7143 11.5, 11.6). The answer comes when the tasks that a function
 * addresses have ended, and behind the response of each that ended by itself: nothing is sent for
 * any of them afterwards.
 *
 * <pre>
 *   ABORT TASK for a task that has not come, and whose RefCmdSN is outside the window
 *                               task does not exist
 *   ABORT TASK for a task that failed, and is answered when its data has come
 *                               function complete; the task is not answered
 *   more that wait than an abort of each command of the window, and some
 *                               function rejected
 *   TASK REASSIGN               not supported: needs error recovery level 2
 *   TARGET COLD RESET           after the answer all sessions of the target are closed
 *   the reserved task tag       Reject (invalid PDU field)
 *   a task tag that is in use   Reject (task in progress)
 * </pre>
 *
 * Owned by the session's event loop.
 */
final class TaskManagement {
  /** Functions that may wait for tasks to end beside an abort of each command of the window. */
  private static final int MAX_BESIDES = 16;

  private static final int COMPLETE = 0;
  private static final int TASK_DOES_NOT_EXIST = 1;
  private static final int LUN_DOES_NOT_EXIST = 2;
  private static final int REASSIGN_NOT_SUPPORTED = 4;
  private static final int NOT_SUPPORTED = 5;
  private static final int REJECTED = 255;

  private final Session session;
  private final EventLoop loop;
  private final TaskRouter router;
  private final Nexus nexus;
  private final CommandWindow window;
  private final Commands commands;
  private final Responses responses;
  private final int maxWaiting;
  private int waiting;

  TaskManagement(
      Session session,
      TaskRouter router,
      Nexus nexus,
      CommandWindow window,
      Commands commands,
      int queueDepth) {
    this.session = session;
    this.loop = session.connection().channel().eventLoop();
    this.router = router;
    this.nexus = nexus;
    this.window = window;
    this.commands = commands;
    this.responses = commands.responses();
    this.maxWaiting = queueDepth + MAX_BESIDES;
  }

  void request(Pdu pdu, Rejects rejects) {
    ByteBuf header = pdu.header();
    int tag = pdu.taskTag();
    if (tag == Pdu.NO_TAG) {
      rejects.send(pdu, Rejects.INVALID_PDU_FIELD);
      return;
    }
    if (commands.get(tag) != null) {
      rejects.send(pdu, Rejects.TASK_IN_PROGRESS);
      return;
    }
    window.pass(pdu);
    if (waiting == maxWaiting) {
      answer(tag, REJECTED);
      return;
    }
    int referenced = header.getInt(20);
    int refCmdSn = header.getInt(32);
    switch (header.getByte(1) & 0x7f) {
      case 1 -> abortTask(pdu.lun(), tag, referenced, refCmdSn, pdu.cmdSn());
      case 2 -> manage(TaskManagementFunction.ABORT_TASK_SET, pdu.lun(), tag);
      case 3 -> manage(TaskManagementFunction.CLEAR_ACA, pdu.lun(), tag);
      case 4 -> manage(TaskManagementFunction.CLEAR_TASK_SET, pdu.lun(), tag);
      case 5 -> manage(TaskManagementFunction.LOGICAL_UNIT_RESET, pdu.lun(), tag);
      case 6 -> manage(TaskManagementFunction.TARGET_WARM_RESET, pdu.lun(), tag);
      case 7 ->
          manage(
              TaskManagementFunction.TARGET_COLD_RESET,
              pdu.lun(),
              0,
              task -> true,
              response -> {
                answer(tag, code(response));
                if (response == Response.COMPLETE) {
                  session.coldReset();
                }
              });
      case 8 -> responses.taskManagement(tag, REASSIGN_NOT_SUPPORTED);
      default -> responses.taskManagement(tag, NOT_SUPPORTED);
    }
  }

  private void abortTask(long lun, int tag, int referenced, int refCmdSn, int cmdSn) {
    IscsiCommand command = commands.get(referenced);
    manage(
        TaskManagementFunction.ABORT_TASK,
        lun,
        referenced,
        other -> other == command && other.lun() == lun,
        response -> {
          boolean dropped = command != null && command.lun() == lun && command.isSilenced();
          answer(
              tag,
              response == Response.TASK_DOES_NOT_EXIST
                  ? dropped || window.passMissing(refCmdSn, cmdSn) ? COMPLETE : TASK_DOES_NOT_EXIST
                  : code(response));
        });
  }

  private void manage(TaskManagementFunction function, long lun, int tag) {
    boolean everywhere = function == TaskManagementFunction.TARGET_WARM_RESET;
    manage(
        function,
        lun,
        0,
        command -> everywhere || command.lun() == lun,
        response -> answer(tag, code(response)));
  }

  /** {@code then} runs on the event loop, if the session is still there. */
  private void manage(
      TaskManagementFunction function,
      long lun,
      int referenced,
      Predicate<IscsiCommand> addressed,
      Consumer<Response> then) {
    waiting++;
    List<IscsiCommand> tasks = commands.all().stream().filter(addressed).toList();
    router.manage(
        nexus,
        function,
        lun,
        referenced,
        response -> loop.execute(() -> settle(tasks, response, then)));
  }

  /**
   * Waits for tasks that the router did not find: they left their task set by themselves, and are
   * on their way here from another thread or wait for the initiator's data.
   */
  private void settle(List<IscsiCommand> tasks, Response response, Consumer<Response> then) {
    boolean ends = response == Response.COMPLETE || response == Response.TASK_DOES_NOT_EXIST;
    commands.whenEnded(
        ends ? tasks : List.of(),
        () -> {
          waiting--;
          if (session.isOpen()) {
            then.accept(response);
          }
        });
  }

  private void answer(int tag, int code) {
    responses.taskManagement(tag, code);
  }

  private static int code(Response response) {
    return switch (response) {
      case COMPLETE -> COMPLETE;
      case REJECTED -> REJECTED;
      case INCORRECT_LOGICAL_UNIT -> LUN_DOES_NOT_EXIST;
      case TASK_DOES_NOT_EXIST -> TASK_DOES_NOT_EXIST;
      case NOT_SUPPORTED -> NOT_SUPPORTED;
    };
  }
}
