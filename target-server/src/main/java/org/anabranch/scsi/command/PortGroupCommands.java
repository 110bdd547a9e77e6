// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.util.List;
import java.util.function.Consumer;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;

/**
 * REPORT TARGET PORT GROUPS (SPC-4 6.37): the ports of all targets of this server that show the
 * unit are in one group. It is active/optimized, or standby while another server has the volume.
 */
final class PortGroupCommands {
  private static final int SUPPORTS_ACTIVE_OPTIMIZED = 0x01;
  private static final int SUPPORTS_STANDBY = 0x04;

  private PortGroupCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("REPORT TARGET PORT GROUPS", "a3 ea 00 00 00 00 ff ff ff ff 00 00")
            .byServiceAction()
            .access(Access.STATUS)
            .traits(Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> Math.min(BigEndian.u32(cdb, 6), LogicalUnit.MAX_PARAMETERS))
            .replies(PortGroupCommands::portGroups));
  }

  private static byte[] portGroups(LogicalUnit unit, Task task) throws CheckCondition {
    int format = BigEndian.u8(task.cdb(), 1) >> 5;
    if (format > 1) {
      throw CheckCondition.inCdb(1, 7);
    }
    List<TargetPort> ports = unit.ports();
    int header = format == 0 ? 4 : 8;
    byte[] data = new byte[header + 8 + 4 * ports.size()];
    BigEndian.put32(data, 0, data.length - 4);
    if (format == 1) {
      data[4] = 0x10; // extended header; no implicit transition time
    }
    data[header] = (byte) unit.accessState().code;
    data[header + 1] =
        (byte) (SUPPORTS_ACTIVE_OPTIMIZED | (unit.mayStandBy() ? SUPPORTS_STANDBY : 0));
    BigEndian.put16(data, header + 2, unit.portGroup());
    data[header + 7] = (byte) ports.size();
    for (int i = 0; i < ports.size(); i++) {
      BigEndian.put16(data, header + 8 + 4 * i + 2, ports.get(i).relativeIdentifier());
    }
    return data;
  }
}
