// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.util.function.Consumer;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;

/** READ CAPACITY (10) and (16) (SBC-3 5.15, 5.16): number and size of the blocks. */
final class CapacityCommands {
  private static final int SHORT_LENGTH = 8;
  private static final int LONG_LENGTH = 32;

  private CapacityCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("READ CAPACITY (10)", "25 00 00 00 00 00 00 00 00 00")
            .access(Access.FREE)
            .traits(Command.Trait.MEDIUM, Command.Trait.DURING_SANITIZE, Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> SHORT_LENGTH)
            .replies((unit, task) -> capacity10(unit)));
    table.accept(
        new Command("READ CAPACITY (16)", "9e 10 00 00 00 00 00 00 00 00 ff ff ff ff 00 00")
            .byServiceAction()
            .access(Access.FREE)
            .traits(Command.Trait.MEDIUM, Command.Trait.DURING_SANITIZE, Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> Math.min(BigEndian.u32(cdb, 10), LogicalUnit.MAX_PARAMETERS))
            .replies((unit, task) -> capacity16(unit)));
  }

  private static byte[] capacity10(LogicalUnit unit) {
    byte[] data = new byte[SHORT_LENGTH];
    BigEndian.put32(data, 0, Math.min(unit.blocks() - 1, 0xffff_ffffL));
    BigEndian.put32(data, 4, unit.blockSize());
    return data;
  }

  private static byte[] capacity16(LogicalUnit unit) {
    byte[] data = new byte[LONG_LENGTH];
    BigEndian.put64(data, 0, unit.blocks() - 1);
    BigEndian.put32(data, 8, unit.blockSize());
    data[13] =
        (byte)
            Integer.numberOfTrailingZeros(unit.properties().physicalBlockSize() / unit.blockSize());
    if (unit.reportsAllocation()) {
      data[14] = (byte) (0x80 | (unit.holesReadZero() ? 0x40 : 0)); // LBPME, LBPRZ
    }
    return data;
  }
}
