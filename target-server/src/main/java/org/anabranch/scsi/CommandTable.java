// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The commands of a direct access block device, found by operation code and service action. */
final class CommandTable {
  static final CommandTable DISK = new CommandTable();

  private final List<Command> all = new ArrayList<>();
  private final @Nullable Command[] plain = new @Nullable Command[256];
  private final @Nullable Command[] @Nullable [] byServiceAction =
      new @Nullable Command[256] @Nullable [];

  private CommandTable() {
    InquiryCommands.add(this);
    StatusCommands.add(this);
    SupportCommands.add(this);
    PortGroupCommands.add(this);
    ReserveCommands.add(this);
    VerifyCommands.add(this);
    AtomicCommands.add(this);
    LbaStatusCommands.add(this);
    DefectCommands.add(this);
    LogCommands.add(this);
    SanitizeCommands.add(this);
    FormatCommands.add(this);
    CopyCommands.add(this);
    PersistentReserveIn.add(this);
    PersistentReserveOut.add(this);
    CapacityCommands.add(this);
    ModeCommands.add(this);
    ReadCommands.add(this);
    WriteCommands.add(this);
    CacheCommands.add(this);
    UnmapCommands.add(this);
    WriteSameCommands.add(this);
  }

  void add(Command command) {
    int opcode = command.opcode();
    if (!command.hasServiceAction()) {
      if (plain[opcode] != null || byServiceAction[opcode] != null) {
        throw new IllegalStateException(command + " is there already");
      }
      plain[opcode] = command;
    } else {
      @Nullable Command[] actions = byServiceAction[opcode];
      if (actions == null) {
        actions = new @Nullable Command[32];
        byServiceAction[opcode] = actions;
      }
      if (plain[opcode] != null || actions[command.serviceAction()] != null) {
        throw new IllegalStateException(command + " is there already");
      }
      actions[command.serviceAction()] = command;
    }
    all.add(command);
  }

  /** The command of a unit that a CDB names, or null. */
  @Nullable Command find(LogicalUnit unit, byte[] cdb) {
    int opcode = cdb[0] & 0xff;
    Command command = plain[opcode];
    if (command == null) {
      @Nullable Command[] actions = byServiceAction[opcode];
      command = actions == null ? null : actions[cdb[1] & 0x1f];
    }
    return command != null && command.isOf(unit) ? command : null;
  }

  /** Why {@link #find} found none. */
  Sense unknown(byte[] cdb) {
    return hasServiceActions(cdb[0] & 0xff)
        ? Sense.inCdb(SenseCode.INVALID_FIELD_IN_CDB, 1, 4)
        : Sense.of(SenseCode.INVALID_COMMAND_OPERATION_CODE);
  }

  /** Whether commands of this operation code are told apart by a service action. */
  boolean hasServiceActions(int opcode) {
    return byServiceAction[opcode] != null;
  }

  /** All that there are. */
  List<Command> all() {
    return Collections.unmodifiableList(all);
  }

  /** Those of a unit, in the order in which REPORT SUPPORTED OPERATION CODES lists them. */
  List<Command> all(LogicalUnit unit) {
    return all.stream().filter(command -> command.isOf(unit)).toList();
  }
}
