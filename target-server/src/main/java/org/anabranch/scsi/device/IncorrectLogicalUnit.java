// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.device;

import java.nio.ByteBuffer;
import org.anabranch.block.Scheduler;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.TaskCounts;
import org.anabranch.scsi.unit.TaskSet;
import org.anabranch.scsi.unit.UnitTask;

/**
 * Answers commands to a LUN that has no logical unit (SPC-4 6.6.2, 6.33, 6.39; SAM-5 5.11):
 *
 * <pre>
 *   INQUIRY         peripheral qualifier 011b, device type 1Fh
 *   REPORT LUNS     the list, as at any LUN
 *   REQUEST SENSE   GOOD, with LOGICAL UNIT NOT SUPPORTED as the data
 *   anything else   CHECK CONDITION, LOGICAL UNIT NOT SUPPORTED
 * </pre>
 */
final class IncorrectLogicalUnit {
  private static final int REQUEST_SENSE = 0x03;
  private static final int INQUIRY = 0x12;
  private static final int REPORT_LUNS = 0xa0;
  private static final int NO_DEVICE = 0x7f;
  private static final int STANDARD_LENGTH = 36;

  private final TaskSet tasks;

  IncorrectLogicalUnit(Scheduler scheduler) {
    tasks = new TaskSet("no device", scheduler, this::start, new TaskCounts(scheduler));
  }

  TaskSet tasks() {
    return tasks;
  }

  void prepare(Task task) {
    byte[] cdb = task.cdb();
    task.needs(
        0,
        switch (cdb[0] & 0xff) {
          case INQUIRY -> BigEndian.u16(cdb, 3);
          case REQUEST_SENSE -> BigEndian.u8(cdb, 4);
          case REPORT_LUNS -> (int) Math.min(BigEndian.u32(cdb, 6), LogicalUnit.MAX_PARAMETERS);
          default -> 0;
        });
    if (tasks.enter(new UnitTask(task, tasks)) != TaskSet.Entry.ENTERED) {
      task.end(Status.TASK_SET_FULL, Task.NO_SENSE, 0);
    }
  }

  private void start(UnitTask entry) {
    Task task = entry.task();
    try {
      switch (task.cdb()[0] & 0xff) {
        case INQUIRY -> reply(task, inquiry(task.cdb()));
        case REQUEST_SENSE ->
            reply(
                task,
                Sense.of(SenseCode.LOGICAL_UNIT_NOT_SUPPORTED)
                    .encode(
                        BigEndian.bit(task.cdb(), 1, 0)
                            ? Sense.Format.DESCRIPTOR
                            : Sense.Format.FIXED));
        case REPORT_LUNS -> reply(task, ReportLuns.reply(task));
        default -> throw new CheckCondition(SenseCode.LOGICAL_UNIT_NOT_SUPPORTED);
      }
    } catch (CheckCondition answer) {
      tasks.end(task, Status.CHECK_CONDITION, answer.sense().encode(Sense.Format.FIXED), 0);
    }
  }

  private static byte[] inquiry(byte[] cdb) throws CheckCondition {
    if (BigEndian.bit(cdb, 1, 0)) {
      throw new CheckCondition(SenseCode.LOGICAL_UNIT_NOT_SUPPORTED);
    }
    byte[] data = new byte[STANDARD_LENGTH];
    data[0] = NO_DEVICE;
    data[2] = 6;
    data[3] = 2;
    data[4] = STANDARD_LENGTH - 5;
    return data;
  }

  private void reply(Task task, byte[] data) {
    int length = Math.min(data.length, task.dataInLength());
    ByteBuffer in = task.dataIn();
    if (in != null) {
      in.put(in.position(), data, 0, length);
    }
    tasks.end(task, Status.GOOD, Task.NO_SENSE, in == null ? 0 : length);
  }
}
