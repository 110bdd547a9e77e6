// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.util.function.Consumer;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;
import org.jspecify.annotations.Nullable;

/**
 * TEST UNIT READY, REQUEST SENSE, SEND DIAGNOSTIC, START STOP UNIT and PREVENT ALLOW MEDIUM
 * REMOVAL.
 */
final class StatusCommands {
  private static final int PREVENT = 1;

  private StatusCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("TEST UNIT READY", "00 00 00 00 00 00")
            .access(Access.STATUS)
            .traits(Command.Trait.MEDIUM)
            .withoutIo()
            .runs((unit, task) -> unit.good(task)));
    table.accept(
        new Command("REQUEST SENSE", "03 01 00 00 ff 00")
            .access(Access.FREE)
            .traits(
                Command.Trait.PAST_ATTENTION,
                Command.Trait.DURING_SANITIZE,
                Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> BigEndian.u8(cdb, 4))
            .replies(StatusCommands::requestSense));
    // The default self-test (SPC-4 6.42), which always passes.
    table.accept(
        new Command("SEND DIAGNOSTIC", "1d 17 00 00 00 00")
            .withoutIo()
            .runs((unit, task) -> unit.good(task)));
    table.accept(
        new Command("START STOP UNIT", "1b 01 00 0f f7 00")
            .access(StatusCommands::startStopAccess)
            .timeout(120)
            .runs(StatusCommands::startStop));
    table.accept(
        new Command("PREVENT ALLOW MEDIUM REMOVAL", "1e 00 00 00 03 00")
            .access(cdb -> prevents(cdb) == 0 ? Access.FREE : Access.WRITE)
            .withoutIo()
            .runs(StatusCommands::preventAllow));
  }

  /**
   * SPC-4 6.39: returns the pending unit attention, or else whether the unit is ready. A unit
   * attention that does not reach the initiator stays pending.
   */
  private static byte[] requestSense(LogicalUnit unit, Task task) {
    SenseCode attention = task.canReply() ? unit.attentions().take(task.nexus()) : null;
    Sense sense = attention == null ? unit.readiness() : Sense.of(attention);
    return sense.encode(
        BigEndian.bit(task.cdb(), 1, 0) ? Sense.Format.DESCRIPTOR : Sense.Format.FIXED);
  }

  /** A persistent reservation does not prevent starting a unit (SBC-3 table 13). */
  private static Access startStopAccess(byte[] cdb) {
    boolean starts = BigEndian.bit(cdb, 4, 0) && BigEndian.u8(cdb, 4) >> 4 == 0;
    return starts ? Access.STATUS : Access.WRITE;
  }

  /**
   * SBC-3 5.25. LOEJ ejects or loads a removable medium, unless removal is prevented. A stop only
   * flushes the device, since others may be using the unit. Power conditions are accepted and have
   * no effect.
   */
  private static void startStop(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    boolean powerCondition = BigEndian.u8(cdb, 4) >> 4 != 0;
    boolean noFlush = BigEndian.bit(cdb, 4, 2);
    boolean loadEject = BigEndian.bit(cdb, 4, 1) && !powerCondition;
    boolean start = BigEndian.bit(cdb, 4, 0);
    if (loadEject && !unit.properties().removable()) {
      throw CheckCondition.inCdb(4, 1);
    }
    if (loadEject && unit.medium().isPrevented()) {
      throw new CheckCondition(SenseCode.MEDIUM_REMOVAL_PREVENTED);
    }
    if (start || powerCondition) {
      if (loadEject && unit.medium().load()) {
        unit.attentions().addToAll(SenseCode.MEDIUM_MAY_HAVE_CHANGED, task.nexus());
      }
      unit.good(task);
    } else if (noFlush && !loadEject) {
      unit.good(task);
    } else {
      unit.device().submit(Io.flush((io, error) -> stopped(unit, task, error, loadEject)));
    }
  }

  private static void stopped(LogicalUnit unit, Task task, @Nullable IoError error, boolean eject) {
    if (error == null && eject) {
      unit.medium().eject();
    }
    unit.finishWrite(task, error, 0);
  }

  private static int prevents(byte[] cdb) {
    return BigEndian.u8(cdb, 4) & 3;
  }

  private static void preventAllow(LogicalUnit unit, Task task) throws CheckCondition {
    int prevent = prevents(task.cdb());
    if (prevent > PREVENT) {
      throw CheckCondition.inCdb(4, 1);
    }
    if (prevent == PREVENT) {
      unit.medium().prevent(task.nexus());
    } else {
      unit.medium().allow(task.nexus());
    }
    unit.good(task);
  }
}
