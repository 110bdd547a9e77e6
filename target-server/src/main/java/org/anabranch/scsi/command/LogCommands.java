// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.util.HexFormat;
import java.util.function.Consumer;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;

/**
 * LOG SENSE (SPC-4 6.8) with the pages that monitoring tools read: the list of pages, temperature
 * (not available) and informational exceptions (none). There are no counters and no saved values.
 */
final class LogCommands {
  private static final int SUPPORTED = 0x00;
  private static final int TEMPERATURE = 0x0d;
  private static final int INFORMATIONAL_EXCEPTIONS = 0x2f;
  private static final int ALL_SUBPAGES = 0xff;

  private LogCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("LOG SENSE", "4d 00 ff ff 00 ff ff ff ff 00")
            .access(Access.FREE)
            .traits(Command.Trait.DURING_SANITIZE, Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> BigEndian.u16(cdb, 7))
            .replies((unit, task) -> page(task.cdb())));
  }

  private static byte[] page(byte[] cdb) throws CheckCondition {
    int code = BigEndian.u8(cdb, 2) & 0x3f;
    int subpage = BigEndian.u8(cdb, 3);
    if (subpage != 0 && !(subpage == ALL_SUBPAGES && code == SUPPORTED)) {
      throw CheckCondition.inCdb(3, 7);
    }
    if (BigEndian.u16(cdb, 5) != 0) {
      throw CheckCondition.inCdb(5, 7); // PARAMETER POINTER: each page begins with parameter 0.
    }
    String page =
        switch (code) {
          case SUPPORTED ->
              subpage == 0
                  ? "00 00 00 03 00 0d 2f"
                  : "40 ff 00 08 00 00 00 ff 0d 00 2f 00"; // with SPF and subpages
          // Temperature: parameter 0, FORMAT AND LINKING 3, FFh for "not available"; reference too.
          case TEMPERATURE -> "0d 00 00 0c 00 00 03 02 00 ff 00 01 03 02 00 ff";
          // Parameter 0: no additional sense, temperature not available.
          case INFORMATIONAL_EXCEPTIONS -> "2f 00 00 08 00 00 03 04 00 00 ff 00";
          default -> throw CheckCondition.inCdb(2, 5);
        };
    return HexFormat.ofDelimiter(" ").parseHex(page);
  }
}
