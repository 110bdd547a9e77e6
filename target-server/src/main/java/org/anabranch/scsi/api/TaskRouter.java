// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

import java.util.function.Consumer;

/**
 * The entry point of a SCSI target device. A transport passes it the commands and task management
 * functions that it receives, and it routes them to logical units (SAM-5 4.5.9, 5, 7).
 *
 * <p>A command makes these steps; the calls for one task come one after the other, for different
 * tasks from any threads:
 *
 * <pre>
 *   transport                            router
 *   new Task(...)
 *   prepare(task)  ------------------>   parses the CDB, enters it in the task set;
 *                                        sets dataOutLength and dataInLength, or ends it at once
 *   pace(task)     ------------------>   whether a rate limit delays it; if so:
 *   listener.paced(task)  <-----------   once, on any thread, when it may go on
 *   reserves memory,
 *   brings at most dataOutLength bytes,
 *   provides a buffer for dataInLength
 *   execute(task)  ------------------>   runs it, in the order that task attributes ask for
 *   listener.ended(task)  <-----------   once, on any thread, also inside prepare or execute
 * </pre>
 *
 * A transport that loses a task before {@code execute} (its connection dropped) calls {@link
 * #abandon}. {@code ended} comes for each prepared task exactly once, aborted ones included, and no
 * part of the router touches the task's buffers after it. A task that was aborted, and whose device
 * hangs, is {@link Task.Listener#disowned} before.
 */
public interface TaskRouter {
  /**
   * Creates the I_T nexus of a new session and establishes its unit attentions (SAM-5 5.14). No
   * other open nexus may have the same name (initiator port and target port): on session
   * reinstatement the transport closes the old one first.
   *
   * @param portalGroupTag names the port of this target (RFC 7143 4.4.1)
   */
  Nexus open(InitiatorPort initiator, int portalGroupTag);

  /** Closes the nexus of a session: I_T nexus loss (SAM-5 6.3.4). Aborts its tasks; each ends. */
  void close(Nexus nexus);

  /** First step of a command, see above. The transport calls it in the order of delivery. */
  void prepare(Task task);

  /**
   * Whether the task may have memory for its data now. If not, {@link Task.Listener#paced} is
   * called once, as soon as the limits of its unit let it go on, or when it has been aborted.
   * Called once at most, after {@link #prepare}, for a task that has not ended. A task for which it
   * is not called counts for no limit.
   */
  default boolean pace(Task task) {
    return true;
  }

  /** Last step, when data-out is complete and the data-in buffer is there. */
  void execute(Task task);

  /** The transport gives up on a task that was prepared and not executed; it ends as aborted. */
  void abandon(Task task);

  /**
   * A task management function (SAM-5 7).
   *
   * @param lun the LUN field's eight bytes; ignored where the function addresses the target
   * @param tag initiator task tag of the task for ABORT TASK, ignored otherwise
   * @param done told once, when the function's effects are complete: tasks that it aborted have
   *     ended or are disowned, see {@link Task.Listener#disowned}
   */
  void manage(
      Nexus nexus,
      TaskManagementFunction function,
      long lun,
      int tag,
      Consumer<TaskManagementFunction.Response> done);
}
