// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.function.Consumer;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.device.TargetDevice;
import org.anabranch.scsi.device.TaskManagement;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;
import org.jspecify.annotations.Nullable;

/**
 * REPORT SUPPORTED OPERATION CODES (SPC-4 6.35), which reads the command table, and REPORT
 * SUPPORTED TASK MANAGEMENT FUNCTIONS (SPC-4 6.36).
 */
final class SupportCommands {
  private static final int ALL = 0;
  private static final int BY_OPCODE = 1;
  private static final int BY_SERVICE_ACTION = 2;
  private static final int BY_EITHER = 3;

  private static final int NOT_SUPPORTED = 1;
  private static final int SUPPORTED = 3;

  private static final int TIMEOUTS_LENGTH = 12;

  private SupportCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("REPORT SUPPORTED OPERATION CODES", "a3 0c 87 ff ff ff ff ff ff ff 00 00")
            .byServiceAction()
            .access(Access.READ)
            .traits(Command.Trait.DURING_SANITIZE, Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> Math.min(BigEndian.u32(cdb, 6), LogicalUnit.MAX_PARAMETERS))
            .replies((unit, task) -> supportedCodes(unit, task.cdb())));
    table.accept(
        new Command(
                "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", "a3 0d 80 00 00 00 ff ff ff ff 00 00")
            .byServiceAction()
            .access(Access.READ)
            .traits(Command.Trait.DURING_SANITIZE, Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> Math.min(BigEndian.u32(cdb, 6), LogicalUnit.MAX_PARAMETERS))
            .replies((unit, task) -> supportedFunctions(task.cdb())));
  }

  private static byte[] supportedCodes(LogicalUnit unit, byte[] cdb) throws CheckCondition {
    int options = BigEndian.u8(cdb, 2) & 7;
    boolean timeouts = BigEndian.bit(cdb, 2, 7);
    int opcode = BigEndian.u8(cdb, 3);
    int action = BigEndian.u16(cdb, 4);
    boolean withActions = CommandTable.DISK.hasServiceActions(opcode);
    return switch (options) {
      case ALL -> all(CommandTable.DISK.all(unit), timeouts);
      case BY_OPCODE -> {
        if (withActions) {
          throw CheckCondition.inCdb(2, 2);
        }
        yield one(find(unit, opcode, 0), timeouts);
      }
      case BY_SERVICE_ACTION -> {
        if (!withActions && find(unit, opcode, 0) != null) {
          throw CheckCondition.inCdb(2, 2);
        }
        yield one(withActions ? find(unit, opcode, action) : null, timeouts);
      }
      case BY_EITHER ->
          one(withActions || action == 0 ? find(unit, opcode, action) : null, timeouts);
      default -> throw CheckCondition.inCdb(2, 2);
    };
  }

  private static @Nullable Command find(LogicalUnit unit, int opcode, int action) {
    return action > 0x1f
        ? null
        : CommandTable.DISK.find(unit, new byte[] {(byte) opcode, (byte) action});
  }

  private static byte[] all(List<Command> commands, boolean timeouts) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (Command command : commands) {
      byte[] descriptor = new byte[8];
      descriptor[0] = (byte) command.opcode();
      if (command.hasServiceAction()) {
        BigEndian.put16(descriptor, 2, command.serviceAction());
      }
      descriptor[5] = (byte) ((timeouts ? 0x02 : 0) | (command.hasServiceAction() ? 0x01 : 0));
      BigEndian.put16(descriptor, 6, command.cdbLength());
      body.writeBytes(descriptor);
      if (timeouts) {
        body.writeBytes(timeouts(command));
      }
    }
    byte[] data = new byte[4 + body.size()];
    BigEndian.put32(data, 0, body.size());
    System.arraycopy(body.toByteArray(), 0, data, 4, body.size());
    return data;
  }

  private static byte[] one(@Nullable Command command, boolean timeouts) {
    if (command == null) {
      return new byte[] {0, NOT_SUPPORTED, 0, 0};
    }
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    data.write(0);
    data.write(SUPPORTED | (timeouts ? 0x80 : 0));
    data.write(command.cdbLength() >> 8);
    data.write(command.cdbLength());
    data.writeBytes(command.usage());
    if (timeouts) {
      data.writeBytes(timeouts(command));
    }
    return data.toByteArray();
  }

  /** SPC-4 6.35.4: nominal and recommended seconds. */
  private static byte[] timeouts(Command command) {
    byte[] descriptor = new byte[TIMEOUTS_LENGTH];
    BigEndian.put16(descriptor, 0, TIMEOUTS_LENGTH - 2);
    BigEndian.put32(descriptor, 4, 1);
    BigEndian.put32(descriptor, 8, command.timeoutSeconds());
    return descriptor;
  }

  /** What {@link TaskManagement} and {@link TargetDevice} do. */
  private static byte[] supportedFunctions(byte[] cdb) throws CheckCondition {
    if (BigEndian.u32(cdb, 6) < 4) {
      throw CheckCondition.inCdb(6, 7);
    }
    boolean extended = BigEndian.bit(cdb, 2, 7);
    byte[] data = new byte[extended ? 16 : 4];
    // ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET, TARGET RESET
    data[0] = (byte) (0x80 | 0x40 | 0x10 | 0x08 | 0x02);
    if (extended) {
      data[3] = 12;
    }
    return data;
  }
}
