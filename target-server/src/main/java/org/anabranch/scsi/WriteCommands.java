// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.nio.ByteBuffer;
import org.anabranch.block.Io;
import org.jspecify.annotations.Nullable;

/**
 * WRITE (6), (10), (12) and (16) (SBC-3 5.43). One Io, straight from the transport's buffer.
 *
 * <p>An initiator that sends less than the CDB asks for gets the whole blocks that came written,
 * and GOOD; the transport reports the residual. If what came ends within a block, nothing is
 * written and the command is refused (0E/03).
 *
 * <p>A write is durable when it ends if it has FUA, or if the write cache is switched off.
 */
final class WriteCommands {
  private WriteCommands() {}

  static void add(CommandTable table) {
    table.add(write("WRITE (6)", "0a 1f ff ff ff 00"));
    table.add(write("WRITE (10)", "2a 18 ff ff ff ff 1f ff ff 00"));
    table.add(write("WRITE (12)", "aa 18 ff ff ff ff ff ff ff ff 1f 00"));
    table.add(write("WRITE (16)", "8a 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00"));
  }

  private static Command write(String name, String usage) {
    return new Command(name, usage)
        .traits(Command.Trait.MEDIUM, Command.Trait.WRITES, Command.Trait.CHECKS_LENGTH)
        .dataOut(Cdb::transferBytes)
        .runs(WriteCommands::write);
  }

  private static void write(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    long lba = Cdb.lba(cdb);
    unit.checkRange(lba, Cdb.transferBlocks(unit, cdb));
    ByteBuffer data = task.dataOut();
    int blocks = wholeBlocks(unit, task);
    if (data == null || blocks == 0) {
      unit.good(task);
      return;
    }
    long end = lba + blocks;
    Sense shortfall = shortfall(task);
    RangeLocks.Hold hold = unit.ranges().tryAcquire(lba, end, RangeLocks.Mode.SHARED);
    if (hold != null) {
      submit(unit, task, data, lba, hold, shortfall);
    } else {
      unit.acquire(
          task,
          lba,
          end,
          RangeLocks.Mode.SHARED,
          taken -> submit(unit, task, data, lba, taken, shortfall));
    }
  }

  private static void submit(
      LogicalUnit unit,
      Task task,
      ByteBuffer data,
      long lba,
      RangeLocks.Hold hold,
      @Nullable Sense shortfall) {
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
                    unit.end(task, shortfall);
                  } else {
                    unit.check(task, Sense.of(error, true, unit.badBlock(error, lba, blocks)));
                  }
                }));
  }

  /**
   * How many blocks the initiator sent.
   *
   * @throws CheckCondition if that is a part of one, or nothing where the CDB asks for some
   */
  static int wholeBlocks(LogicalUnit unit, Task task) throws CheckCondition {
    int length = task.dataOutReceived();
    if (length % unit.blockSize() != 0 || (length == 0 && task.dataOutLength() > 0)) {
      throw new CheckCondition(SenseCode.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
    }
    return length / unit.blockSize();
  }

  /**
   * How a write ends when the initiator announced fewer blocks than its CDB has: those that came
   * are written, and the write is no success. Null if all came.
   */
  static @Nullable Sense shortfall(Task task) {
    return task.dataOutReceived() < task.dataOutLength()
        ? Sense.of(SenseCode.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT)
        : null;
  }
}
