// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.copy;

import java.io.ByteArrayOutputStream;
import java.util.function.Consumer;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.data.Parameters;
import org.anabranch.scsi.device.LunInventory;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;

/**
 * EXTENDED COPY (LID1) (SPC-4 6.4) and RECEIVE COPY RESULTS (LID1) (SPC-4 6.31): COPY STATUS and
 * OPERATING PARAMETERS. The unit that gets the command is the copy manager; it copies between the
 * units that the nexus sees.
 */
public final class CopyCommands {
  private static final int HOLD = 0;
  private static final int NO_IDENTIFIER = 3;

  private CopyCommands() {}

  public static void add(Consumer<Command> table) {
    table.accept(
        new Command("EXTENDED COPY", "83 00 00 00 00 00 00 00 00 00 ff ff ff ff 00 00")
            .byServiceAction()
            .traits(Command.Trait.MEDIUM)
            .timeout(600)
            .dataOut((unit, cdb) -> Math.min(BigEndian.u32(cdb, 10), LogicalUnit.MAX_PARAMETERS))
            .runs(CopyCommands::copy));
    table.accept(results("COPY STATUS", "00", CopyCommands::status));
    table.accept(results("OPERATING PARAMETERS", "03", (unit, task) -> parameters()));
  }

  private static Command results(String name, String action, Command.Reply reply) {
    return new Command(
            "RECEIVE COPY RESULTS, " + name,
            "84 " + action + " ff 00 00 00 00 00 00 00 ff ff ff ff 00 00")
        .byServiceAction()
        .access(Access.STATUS)
        .dataIn((unit, cdb) -> Math.min(BigEndian.u32(cdb, 10), LogicalUnit.MAX_PARAMETERS))
        .replies(reply);
  }

  private static void copy(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] parameters = Parameters.list(task);
    if (BigEndian.u32(task.cdb(), 10) == 0) {
      unit.good(task);
      return;
    }
    Nexus nexus = task.nexus();
    CopyList list = CopyList.parse(parameters, nexus, LunInventory.of(nexus).units());
    boolean named = list.idUsage() != NO_IDENTIFIER;
    if (!named && list.id() != 0) {
      throw CheckCondition.inParameters(0, 7);
    }
    CopyOperation operation =
        new CopyOperation(
            unit,
            task,
            list.segments(),
            sense -> {
              if (list.idUsage() == HOLD) {
                unit.part(CopyResults.class).hold(nexus, list.id());
              } else if (named) {
                unit.part(CopyResults.class).discard(nexus, list.id());
              }
              unit.end(task, sense);
            });
    if (named && !unit.part(CopyResults.class).begin(nexus, list.id(), operation)) {
      throw new CheckCondition(SenseCode.OPERATION_IN_PROGRESS);
    }
    unit.tasks()
        .alsoWritesTo(
            task, list.segments().stream().map(each -> each.target().tasks()).distinct().toList());
    operation.run();
  }

  private static byte[] status(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] status =
        unit.part(CopyResults.class)
            .status(task.nexus(), BigEndian.u8(task.cdb(), 2), task.canReply());
    if (status == null) {
      throw CheckCondition.inCdb(2, 7);
    }
    return status;
  }

  /** SPC-4 6.31.4. */
  private static byte[] parameters() {
    byte[] data = new byte[47];
    BigEndian.put32(data, 0, data.length - 4);
    data[4] = 0x01; // SNLID: copies without a list identifier
    BigEndian.put16(data, 8, CopyLimits.MAX_TARGETS);
    BigEndian.put16(data, 10, CopyLimits.MAX_SEGMENTS);
    BigEndian.put32(data, 12, CopyLimits.MAX_LIST);
    BigEndian.put32(data, 16, CopyLimits.MAX_SEGMENT_BYTES);
    BigEndian.put16(data, 34, CopyLimits.CONCURRENT);
    data[36] = CopyLimits.CONCURRENT;
    data[37] = CopyLimits.GRANULARITY;
    data[43] = 3;
    data[44] = CopyLimits.BLOCK_TO_BLOCK;
    data[45] = CopyLimits.BLOCK_TO_BLOCK_WITH_OFFSET;
    data[46] = (byte) CopyLimits.IDENTIFICATION;
    return data;
  }

  /** The third-party copy VPD page behind its header (SPC-4 7.8.17). */
  public static byte[] vitalProductData() {
    ByteArrayOutputStream page = new ByteArrayOutputStream();
    // Supported commands: EXTENDED COPY (LID1); COPY STATUS, OPERATING PARAMETERS.
    page.writeBytes(new byte[] {0, 1, 0, 8, 7, (byte) 0x83, 1, 0, (byte) 0x84, 2, 0, 3});
    byte[] parameters = new byte[32];
    BigEndian.put16(parameters, 0, 0x0004);
    BigEndian.put16(parameters, 2, 28);
    BigEndian.put16(parameters, 8, CopyLimits.MAX_TARGETS);
    BigEndian.put16(parameters, 10, CopyLimits.MAX_SEGMENTS);
    BigEndian.put32(parameters, 12, CopyLimits.MAX_LIST);
    page.writeBytes(parameters);
    // Supported descriptors.
    page.writeBytes(
        new byte[] {
          0,
          8,
          0,
          4,
          3,
          CopyLimits.BLOCK_TO_BLOCK,
          CopyLimits.BLOCK_TO_BLOCK_WITH_OFFSET,
          (byte) CopyLimits.IDENTIFICATION
        });
    // Supported CSCD descriptor identifiers: none of the well known ones.
    page.writeBytes(new byte[] {0, 0x0c, 0, 4, 0, 0, 0, 0});
    byte[] general = new byte[36];
    BigEndian.put16(general, 0, 0x8001);
    BigEndian.put16(general, 2, 32);
    BigEndian.put32(general, 4, CopyLimits.CONCURRENT);
    BigEndian.put32(general, 8, CopyLimits.CONCURRENT);
    BigEndian.put32(general, 12, CopyLimits.MAX_SEGMENT_BYTES);
    general[16] = CopyLimits.GRANULARITY;
    page.writeBytes(general);
    return page.toByteArray();
  }
}
