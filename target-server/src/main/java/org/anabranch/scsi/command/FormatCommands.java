// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.util.function.Consumer;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.data.Parameters;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.Sanitizer;

/**
 * FORMAT UNIT (SBC-3 5.4): every block reads as zeros afterwards. {@link Sanitizer} does the work.
 * Meanwhile REQUEST SENSE reports the progress, and other commands end with NOT READY, FORMAT IN
 * PROGRESS. The format does not change the block length, which is configured, and supports no
 * defect list, protection information or initialization pattern.
 */
final class FormatCommands {
  private static final int LONG_LIST = 5;
  private static final int FORMAT_DATA = 4;
  private static final int SHORT_HEADER = 4;
  private static final int LONG_HEADER = 8;

  /** Byte 1 of either header: FOV; DPRY, DCRT, STPF and IP, which it makes valid; IMMED. */
  private static final int OPTIONS_VALID = 0x80;

  private static final int OPTIONS = 0x78;
  private static final int INITIALIZATION_PATTERN = 3;
  private static final int IMMEDIATE = 1;

  private FormatCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("FORMAT UNIT", "04 3f 00 00 00 00")
            .traits(Command.Trait.MEDIUM, Command.Trait.WRITES)
            .timeout(7200)
            .dataOut((unit, cdb) -> headerLength(cdb))
            .runs(FormatCommands::format));
  }

  /** The parameter list is a header; a defect list after it is rejected. */
  private static int headerLength(byte[] cdb) {
    if (!BigEndian.bit(cdb, 1, FORMAT_DATA)) {
      return 0;
    }
    return BigEndian.bit(cdb, 1, LONG_LIST) ? LONG_HEADER : SHORT_HEADER;
  }

  private static void format(LogicalUnit unit, Task task) throws CheckCondition {
    boolean immediate = false;
    if (headerLength(task.cdb()) > 0) {
      if ((task.cdb()[1] & 7) != 0) {
        throw CheckCondition.inCdb(1, 2); // No other format than that of short blocks.
      }
      byte[] header = Parameters.list(task);
      check(header);
      immediate = BigEndian.bit(header, 1, IMMEDIATE);
    }
    unit.sanitizer()
        .begin(
            Sanitizer.Work.erase(Sanitizer.Operation.FORMAT),
            Sanitizer.Completion.RESTRICTED,
            immediate ? null : task);
    if (immediate) {
      unit.good(task);
    }
  }

  private static void check(byte[] header) throws CheckCondition {
    if (header[0] != 0) {
      throw CheckCondition.inParameters(0, 2); // Protection fields: there are none.
    }
    int options = header[1] & OPTIONS;
    if ((header[1] & OPTIONS_VALID) == 0 && options != 0) {
      throw CheckCondition.inParameters(1, 31 - Integer.numberOfLeadingZeros(options));
    }
    if (BigEndian.bit(header, 1, INITIALIZATION_PATTERN)) {
      throw CheckCondition.inParameters(1, INITIALIZATION_PATTERN);
    }
    if (header.length == LONG_HEADER && header[3] != 0) {
      throw CheckCondition.inParameters(3, 7);
    }
    int lengthAt = header.length == LONG_HEADER ? 4 : 2;
    long defects =
        header.length == LONG_HEADER
            ? BigEndian.u32(header, lengthAt)
            : BigEndian.u16(header, lengthAt);
    if (defects != 0) {
      throw CheckCondition.inParameters(lengthAt, 7);
    }
  }
}
