// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.AccessState;
import org.anabranch.scsi.data.CheckCondition;

/**
 * Decides whether an enabled command may run: steps 3 to 7 of {@link LogicalUnit}, in the order
 * that SAM-5 5.14 and SPC-4 5.12 require.
 */
public final class Admission {
  private Admission() {}

  /**
   * Admits the task; false for a reservation conflict.
   *
   * @throws CheckCondition if it must end with CHECK CONDITION
   */
  static boolean admits(LogicalUnit unit, UnitTask entry) throws CheckCondition {
    Command command = entry.command;
    Task task = entry.task();
    if (command == null || !command.has(Command.Trait.PAST_ATTENTION)) {
      SenseCode attention = unit.attentions().take(task.nexus());
      if (attention != null) {
        throw new CheckCondition(attention);
      }
    }
    if (command == null) {
      throw new CheckCondition(unit.commands().unknown(task.cdb()));
    }
    // Before reservations: those are judged by the server that has the medium.
    if (!command.has(Command.Trait.IN_STANDBY) && unit.accessState() == AccessState.STANDBY) {
      throw new CheckCondition(SenseCode.PORT_IN_STANDBY);
    }
    if (unit.reservations().conflicts(task.nexus(), command.access(task.cdb()))) {
      return false;
    }
    command.checkUsage(task.cdb());
    if (!command.has(Command.Trait.DURING_SANITIZE)) {
      unit.sanitizer().check(command);
    }
    if (command.has(Command.Trait.MEDIUM)) {
      unit.medium().checkReady();
    }
    if (command.has(Command.Trait.WRITES)) {
      checkWritable(unit, entry);
    }
    checkTransfer(task);
    return true;
  }

  /**
   * Rejects a command that takes data if the initiator sends less than the CDB specifies, and one
   * that returns data if the initiator expects none (SPC-4 4.5.6). Writing only the data received
   * and returning GOOD would lose data, since initiators may ignore the residual count. A read
   * whose expected length is too short is no error: the data is truncated, and the residual
   * overflow is reported.
   */
  private static void checkTransfer(Task task) throws CheckCondition {
    if (task.dataOutReceived() < task.dataOutLength()
        || (task.dataInLength() > 0 && !task.isRead())) {
      throw new CheckCondition(SenseCode.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
    }
  }

  private static void checkWritable(LogicalUnit unit, UnitTask task) throws CheckCondition {
    if (unit.isReadOnly() || task.isReadOnlyPath()) {
      throw new CheckCondition(SenseCode.WRITE_PROTECTED);
    }
    if (unit.modes().isSoftwareWriteProtected()) {
      throw new CheckCondition(SenseCode.SOFTWARE_WRITE_PROTECTED);
    }
  }
}
