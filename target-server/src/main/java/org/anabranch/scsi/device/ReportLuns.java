// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.device;

import java.util.Set;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;

/** The reply to REPORT LUNS (SPC-4 6.33), the same at every LUN. */
public final class ReportLuns {
  private ReportLuns() {}

  /**
   * The LUNs that the nexus of a task sees. An initiator that gets the list is owed no REPORTED
   * LUNS DATA HAS CHANGED any more.
   *
   * @throws CheckCondition if SELECT REPORT or the allocation length is wrong
   */
  public static byte[] reply(Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    int select = BigEndian.u8(cdb, 2);
    if (select > 2) {
      throw CheckCondition.inCdb(2, 7);
    }
    if (BigEndian.u32(cdb, 6) < 16) {
      throw CheckCondition.inCdb(6, 7);
    }
    Nexus nexus = task.nexus();
    LunInventory inventory = LunInventory.of(nexus);
    // SELECT REPORT 1 asks for well known logical units only, of which there are none.
    Set<Integer> luns = select == 1 ? Set.of() : inventory.views().keySet();
    byte[] data = new byte[8 + 8 * luns.size()];
    BigEndian.put32(data, 0, data.length - 8);
    int at = 8;
    for (int lun : luns) {
      BigEndian.put64(data, at, LunInventory.field(lun));
      at += 8;
    }
    if (task.canReply()) {
      inventory
          .units()
          .forEach(
              unit -> unit.attentions().clear(nexus, SenseCode.REPORTED_LUNS_DATA_HAS_CHANGED));
    }
    return data;
  }
}
