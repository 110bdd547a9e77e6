// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.copy.CopyCommands;
import org.anabranch.scsi.reservation.PersistentReserveIn;
import org.anabranch.scsi.reservation.PersistentReserveOut;
import org.anabranch.scsi.reservation.ReserveCommands;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.CommandSet;
import org.anabranch.scsi.unit.LogicalUnit;
import org.jspecify.annotations.Nullable;

/** The commands of a direct access block device, found by operation code and service action. */
public final class CommandTable implements CommandSet {
  public static final CommandTable DISK = new CommandTable();

  private final List<Command> all = new ArrayList<>();
  private final @Nullable Command[] plain = new @Nullable Command[256];
  private final @Nullable Command[] @Nullable [] byServiceAction =
      new @Nullable Command[256] @Nullable [];

  private CommandTable() {
    InquiryCommands.add(this::add);
    StatusCommands.add(this::add);
    SupportCommands.add(this::add);
    PortGroupCommands.add(this::add);
    ReserveCommands.add(this::add);
    VerifyCommands.add(this::add);
    AtomicCommands.add(this::add);
    LbaStatusCommands.add(this::add);
    DefectCommands.add(this::add);
    LogCommands.add(this::add);
    SanitizeCommands.add(this::add);
    FormatCommands.add(this::add);
    CopyCommands.add(this::add);
    PersistentReserveIn.add(this::add);
    PersistentReserveOut.add(this::add);
    CapacityCommands.add(this::add);
    ModeCommands.add(this::add);
    ReadCommands.add(this::add);
    WriteCommands.add(this::add);
    CacheCommands.add(this::add);
    UnmapCommands.add(this::add);
    WriteSameCommands.add(this::add);
  }

  private void add(Command command) {
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

  @Override
  public @Nullable Command find(LogicalUnit unit, byte[] cdb) {
    int opcode = cdb[0] & 0xff;
    Command command = plain[opcode];
    if (command == null) {
      @Nullable Command[] actions = byServiceAction[opcode];
      command = actions == null ? null : actions[cdb[1] & 0x1f];
    }
    return command != null && command.isOf(unit) ? command : null;
  }

  @Override
  public Sense unknown(byte[] cdb) {
    return hasServiceActions(cdb[0] & 0xff)
        ? Sense.inCdb(SenseCode.INVALID_FIELD_IN_CDB, 1, 4)
        : Sense.of(SenseCode.INVALID_COMMAND_OPERATION_CODE);
  }

  /** Whether commands with this operation code have a service action. */
  boolean hasServiceActions(int opcode) {
    return byServiceAction[opcode] != null;
  }

  /** All commands. */
  public List<Command> all() {
    return Collections.unmodifiableList(all);
  }

  /** Those of a unit, in the order in which REPORT SUPPORTED OPERATION CODES lists them. */
  List<Command> all(LogicalUnit unit) {
    return all.stream().filter(command -> command.isOf(unit)).toList();
  }
}
