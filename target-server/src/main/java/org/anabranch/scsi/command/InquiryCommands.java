// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.util.function.Consumer;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.device.ReportLuns;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;

/** INQUIRY (SPC-4 6.6) and REPORT LUNS (SPC-4 6.33): devices and LUNs. */
final class InquiryCommands {
  private static final int STANDARD_LENGTH = 96;

  /** SAM-5, iSCSI, SPC-4, SBC-3, each without a version claimed (SPC-4 table 142). */
  private static final int[] VERSION_DESCRIPTORS = {0x00a0, 0x0960, 0x0460, 0x04c0};

  private InquiryCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("INQUIRY", "12 01 ff ff ff 00")
            .access(Access.FREE)
            .traits(
                Command.Trait.PAST_ATTENTION,
                Command.Trait.DURING_SANITIZE,
                Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> BigEndian.u16(cdb, 3))
            .replies(InquiryCommands::inquiry));
    table.accept(
        new Command("REPORT LUNS", "a0 00 ff 00 00 00 ff ff ff ff 00 00")
            .access(Access.FREE)
            .traits(
                Command.Trait.PAST_ATTENTION,
                Command.Trait.DURING_SANITIZE,
                Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> Math.min(BigEndian.u32(cdb, 6), LogicalUnit.MAX_PARAMETERS))
            .replies((unit, task) -> ReportLuns.reply(task)));
  }

  private static byte[] inquiry(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    int page = BigEndian.u8(cdb, 2);
    if (BigEndian.bit(cdb, 1, 0)) {
      return VitalProductData.page(unit, task.nexus(), page);
    }
    if (page != 0) {
      throw CheckCondition.inCdb(2, 7);
    }
    return standard(unit);
  }

  private static byte[] standard(LogicalUnit unit) {
    UnitIdentity identity = unit.properties().identity();
    byte[] data = new byte[STANDARD_LENGTH];
    data[1] = (byte) (unit.properties().removable() ? 0x80 : 0);
    data[2] = 6; // SPC-4
    data[3] = 0x12; // HISUP, response data format 2
    data[4] = STANDARD_LENGTH - 5;
    data[5] = 0x18; // TPGS = 01b implicit, 3PC
    data[7] = 0x02; // CMDQUE
    BigEndian.putAscii(data, 8, 8, identity.vendor());
    BigEndian.putAscii(data, 16, 16, identity.product());
    BigEndian.putAscii(data, 32, 4, identity.revision());
    for (int i = 0; i < VERSION_DESCRIPTORS.length; i++) {
      BigEndian.put16(data, 58 + 2 * i, VERSION_DESCRIPTORS[i]);
    }
    return data;
  }
}
