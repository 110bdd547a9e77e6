// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Consumer;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.data.Parameters;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.Sanitizer;

/**
 * SANITIZE (SBC-3 5.24, 4.11): OVERWRITE, BLOCK ERASE, CRYPTOGRAPHIC ERASE and EXIT FAILURE MODE.
 * {@link Sanitizer} does the work.
 *
 * <p>Data is not encrypted, so there is no key that CRYPTOGRAPHIC ERASE could change. It does the
 * same as BLOCK ERASE: it discards every block, or writes zeros where discarded blocks need not
 * read as zeros. No command can read the old data afterwards. Neither can control what the file
 * system below does with the space and what remains on the disk. OVERWRITE writes to the blocks
 * that the file has.
 */
final class SanitizeCommands {
  private static final int IMMED = 7;
  private static final int AUSE = 5;

  private SanitizeCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(sanitize("OVERWRITE", "01").runs(SanitizeCommands::overwrite));
    table.accept(sanitize("BLOCK ERASE", "02").runs(SanitizeCommands::erase));
    table.accept(sanitize("CRYPTOGRAPHIC ERASE", "03").runs(SanitizeCommands::erase));
    table.accept(
        new Command("SANITIZE, EXIT FAILURE MODE", "48 1f 00 00 00 00 00 ff ff 00")
            .byServiceAction()
            .traits(Command.Trait.MEDIUM)
            .dataOut((unit, cdb) -> BigEndian.u16(cdb, 7))
            .runs(SanitizeCommands::exitFailureMode));
  }

  private static Command sanitize(String name, String action) {
    int flags = 1 << IMMED | 1 << AUSE;
    return new Command(
            "SANITIZE, " + name,
            String.format("48 %02x 00 00 00 00 00 ff ff 00", flags | Integer.parseInt(action, 16)))
        .byServiceAction()
        .traits(Command.Trait.MEDIUM, Command.Trait.WRITES)
        .timeout(7200)
        .dataOut((unit, cdb) -> BigEndian.u16(cdb, 7));
  }

  /** The parameter list: INVERT and count, the pattern's length, the pattern. */
  private static void overwrite(LogicalUnit unit, Task task) throws CheckCondition {
    int length = BigEndian.u16(task.cdb(), 7);
    if (length < 5 || length > unit.blockSize() + 4) {
      throw CheckCondition.inCdb(7, 7);
    }
    byte[] list = Parameters.list(task);
    int passes = list[0] & 0x1f;
    if (passes == 0) {
      throw CheckCondition.inParameters(0, 4);
    }
    if ((list[0] & 0x60) != 0) {
      throw CheckCondition.inParameters(0, 6); // TEST is vendor specific.
    }
    int pattern = BigEndian.u16(list, 2);
    if (pattern == 0 || pattern > unit.blockSize() || pattern != length - 4) {
      throw CheckCondition.inParameters(2, 7);
    }
    begin(
        unit,
        task,
        Sanitizer.Work.overwrite(
            ByteBuffer.wrap(Arrays.copyOfRange(list, 4, list.length)),
            passes,
            BigEndian.bit(list, 0, 7)));
  }

  private static void erase(LogicalUnit unit, Task task) throws CheckCondition {
    if (BigEndian.u16(task.cdb(), 7) != 0) {
      throw CheckCondition.inCdb(7, 7);
    }
    begin(unit, task, Sanitizer.Work.erase(Sanitizer.Operation.SANITIZE));
  }

  private static void begin(LogicalUnit unit, Task task, Sanitizer.Work work)
      throws CheckCondition {
    boolean immediate = BigEndian.bit(task.cdb(), 1, IMMED);
    Sanitizer.Completion mode =
        BigEndian.bit(task.cdb(), 1, AUSE)
            ? Sanitizer.Completion.UNRESTRICTED
            : Sanitizer.Completion.RESTRICTED;
    unit.sanitizer().begin(work, mode, immediate ? null : task);
    if (immediate) {
      unit.good(task);
    }
  }

  private static void exitFailureMode(LogicalUnit unit, Task task) throws CheckCondition {
    if (BigEndian.u16(task.cdb(), 7) != 0) {
      throw CheckCondition.inCdb(7, 7);
    }
    if (!unit.sanitizer().exitFailureMode()) {
      throw CheckCondition.inCdb(1, 4);
    }
    unit.good(task);
  }
}
