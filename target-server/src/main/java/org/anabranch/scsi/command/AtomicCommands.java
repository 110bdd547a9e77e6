// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.UnitLatency;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.Cdb;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.rate.Traffic;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.IoSequence;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.RangeLocks;
import org.anabranch.scsi.unit.ScratchMemory;
import org.jspecify.annotations.Nullable;

/**
 * COMPARE AND WRITE (SBC-3 5.2) and ORWRITE (16) (SBC-3 5.5): commands that read, decide and write
 * as one. No write of another command gets between, see {@link RangeLocks}. A COMPARE AND WRITE for
 * which the initiator means to send more than the CDB asks for is rejected: the two halves of its
 * data would not be where the CDB says. One for which less comes is rejected as every write is.
 */
final class AtomicCommands {
  private AtomicCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("COMPARE AND WRITE", "89 18 ff ff ff ff ff ff ff ff 00 00 00 ff 1f 00")
            .traits(Command.Trait.MEDIUM, Command.Trait.WRITES)
            .measuredAs(UnitLatency.WRITE)
            .moves(Traffic.WRITE, (unit, cdb) -> (long) BigEndian.u8(cdb, 13) * unit.blockSize())
            .dataOut((unit, cdb) -> 2L * BigEndian.u8(cdb, 13) * unit.blockSize())
            .runs(AtomicCommands::compareAndWrite));
    table.accept(
        new Command("ORWRITE (16)", "8b 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00")
            .traits(Command.Trait.MEDIUM, Command.Trait.WRITES)
            .measuredAs(UnitLatency.WRITE)
            .moves(Traffic.WRITE, LogicalUnit::movedBytes)
            .dataOut(LogicalUnit::transferBytes)
            .runs(AtomicCommands::orWrite));
  }

  private static void compareAndWrite(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    long lba = Cdb.lba(cdb);
    int blocks = BigEndian.u8(cdb, 13);
    if (blocks > BlockLimits.of(unit).compareAndWrite()) {
      throw CheckCondition.inCdb(13, 7);
    }
    unit.checkRange(lba, blocks);
    if (task.dataOutExpected() > task.dataOutLength()) {
      throw CheckCondition.inCdb(13, 7);
    }
    ByteBuffer data = task.dataOut();
    if (data == null || blocks == 0) {
      unit.good(task);
      return;
    }
    int half = blocks * unit.blockSize();
    ByteBuffer expected = data.slice(data.position(), half);
    ByteBuffer written = data.slice(data.position() + half, half);
    long end = lba + blocks;
    unit.acquire(
        task,
        lba,
        end,
        RangeLocks.Mode.EXCLUSIVE,
        hold ->
            VerifyCommands.compare(
                unit,
                task,
                lba,
                end,
                expected,
                Comparison.Data.ALL_BLOCKS,
                sense -> compared(unit, task, lba, written, hold, sense)));
  }

  private static void compared(
      LogicalUnit unit,
      Task task,
      long lba,
      ByteBuffer data,
      RangeLocks.Hold hold,
      @Nullable Sense sense) {
    if (sense != null || unit.tasks().isAborting(task)) {
      hold.release();
      unit.end(task, sense);
      return;
    }
    unit.device()
        .submit(
            Io.write(
                unit.sectors(lba),
                data,
                unit.isDurable(task),
                (io, error) -> {
                  hold.release();
                  unit.finishWrite(task, error, lba);
                }));
  }

  private static void orWrite(LogicalUnit unit, Task task) throws CheckCondition {
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
    unit.acquire(
        task,
        lba,
        end,
        RangeLocks.Mode.EXCLUSIVE,
        hold ->
            unit.scratch()
                .borrow(scratch -> new OrWrite(unit, task, lba, end, data, scratch, hold).run()));
  }

  /** Reads a piece, sets the bits that are set in the data, writes it back; and the next one. */
  private static final class OrWrite extends IoSequence {
    private final LogicalUnit unit;
    private final Task task;
    private final long start;
    private final long end;
    private final ByteBuffer data;
    private final ByteBuffer scratch;
    private final RangeLocks.Hold hold;
    private long lba;
    private boolean reading;

    OrWrite(
        LogicalUnit unit,
        Task task,
        long start,
        long end,
        ByteBuffer data,
        ByteBuffer scratch,
        RangeLocks.Hold hold) {
      this.hold = hold;
      this.unit = unit;
      this.task = task;
      this.start = start;
      this.end = end;
      this.data = data;
      this.scratch = scratch;
      lba = start;
    }

    @Override
    protected BlockDevice device() {
      return unit.device();
    }

    @Override
    protected @Nullable Io next() {
      if (lba == end || unit.tasks().isAborting(task)) {
        return null;
      }
      reading = !reading;
      ByteBuffer piece = scratch.slice(0, bytes());
      return reading
          ? Io.read(unit.sectors(lba), piece, this)
          : Io.write(unit.sectors(lba), piece, unit.isDurable(task), this);
    }

    private int bytes() {
      return (int) Math.min(ScratchMemory.SIZE, (end - lba) * unit.blockSize());
    }

    @Override
    protected @Nullable Sense succeeded(Io io) {
      int length = bytes();
      if (reading) {
        int from = data.position() + (int) (lba - start) * unit.blockSize();
        for (int at = 0; at < length; at += Long.BYTES) {
          scratch.putLong(at, scratch.getLong(at) | data.getLong(from + at));
        }
      } else {
        lba += length / unit.blockSize();
      }
      return null;
    }

    @Override
    protected Sense failed(Io io, IoError error) {
      return reading ? Sense.ofRead(error, lba) : Sense.ofWrite(error, lba);
    }

    @Override
    protected void ended(@Nullable Sense sense) {
      unit.scratch().giveBack(scratch);
      hold.release();
      unit.end(task, sense);
    }
  }
}
