// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.anabranch.block.Io;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.UnitLatency;
import org.anabranch.scsi.data.Cdb;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.rate.Traffic;
import org.anabranch.scsi.unit.Admission;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.RangeLocks;

/**
 * WRITE (6), (10), (12) and (16) (SBC-3 5.43). One Io, straight from the transport's buffer.
 *
 * <p>When an initiator sends less than the CDB asks for, nothing is written: see {@link Admission}.
 *
 * <p>A write is durable when it ends if it has FUA, or if the write cache is switched off.
 */
final class WriteCommands {
  private WriteCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(write("WRITE (6)", "0a 1f ff ff ff 00"));
    table.accept(write("WRITE (10)", "2a 18 ff ff ff ff 1f ff ff 00"));
    table.accept(write("WRITE (12)", "aa 18 ff ff ff ff ff ff ff ff 1f 00"));
    table.accept(write("WRITE (16)", "8a 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00"));
  }

  private static Command write(String name, String usage) {
    return new Command(name, usage)
        .traits(Command.Trait.MEDIUM, Command.Trait.WRITES)
        .measuredAs(UnitLatency.WRITE)
        .moves(Traffic.WRITE, LogicalUnit::movedBytes)
        .dataOut(LogicalUnit::transferBytes)
        .runs(WriteCommands::write);
  }

  private static void write(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    long lba = Cdb.lba(cdb);
    int blocks = unit.transferBlocks(cdb);
    unit.checkRange(lba, blocks);
    ByteBuffer data = task.dataOut();
    if (data == null || blocks == 0) {
      unit.good(task);
      return;
    }
    long end = lba + blocks;
    RangeLocks.Hold hold = unit.ranges().tryAcquire(lba, end, RangeLocks.Mode.SHARED);
    if (hold != null) {
      submit(unit, task, data, lba, hold);
    } else {
      unit.acquire(
          task, lba, end, RangeLocks.Mode.SHARED, taken -> submit(unit, task, data, lba, taken));
    }
  }

  private static void submit(
      LogicalUnit unit, Task task, ByteBuffer data, long lba, RangeLocks.Hold hold) {
    int blocks = data.remaining() / unit.blockSize();
    unit.device()
        .submit(
            Io.write(
                unit.sectors(lba),
                data,
                unit.isDurable(task),
                (io, error) -> {
                  hold.release();
                  if (error == null) {
                    unit.good(task);
                  } else {
                    unit.check(task, Sense.ofWrite(error, unit.badBlock(error, lba, blocks)));
                  }
                }));
  }
}
