// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.util.function.Consumer;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;

/** READ DEFECT DATA (10) and (12) (SBC-3 5.17, 5.18): both lists are empty. */
final class DefectCommands {
  private DefectCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("READ DEFECT DATA (10)", "37 00 1f 00 00 00 00 ff ff 00")
            .access(Access.READ)
            .traits(Command.Trait.MEDIUM)
            .dataIn((unit, cdb) -> BigEndian.u16(cdb, 7))
            .replies((unit, task) -> new byte[] {0, task.cdb()[2], 0, 0}));
    table.accept(
        new Command("READ DEFECT DATA (12)", "b7 1f ff ff ff ff ff ff ff ff 00 00")
            .access(Access.READ)
            .traits(Command.Trait.MEDIUM)
            .dataIn((unit, cdb) -> Math.min(BigEndian.u32(cdb, 6), LogicalUnit.MAX_PARAMETERS))
            .replies((unit, task) -> new byte[] {0, task.cdb()[1], 0, 0, 0, 0, 0, 0}));
  }
}
