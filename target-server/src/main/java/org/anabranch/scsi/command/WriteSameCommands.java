// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.Cdb;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.rate.Traffic;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.IoSequence;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.RangeLocks;
import org.jspecify.annotations.Nullable;

/**
 * WRITE SAME (10) and (16) (SBC-3 5.45, 5.46): one block, many times.
 *
 * <pre>
 *   UNMAP   unmapped blocks read as zeros   block              done as
 *   0       -                               other than zeros   writes of the block
 *   0       -                               zeros, not sent    write zeroes
 *   1       yes                             any, not sent      discard
 *   1       no                              any, not sent      write zeroes
 * </pre>
 *
 * With UNMAP the blocks read as zeros afterwards, whatever block the initiator sends. Other targets
 * do the same, and initiators rely on it, although SBC-3 4.7.3.4.4 requires a block other than
 * zeros to be written. "Not sent" means NDOB. With the write cache disabled, a flush follows the
 * discards.
 *
 * <p>A length of 0 means up to the end of the medium (WSNZ = 0), as far as the most that one
 * command may write (block limits page) allows. ANCHOR is not supported.
 */
final class WriteSameCommands {
  private static final int UNMAP_BIT = 3;
  private static final int NDOB_BIT = 0;

  private WriteSameCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        writeSame("WRITE SAME (10)", "41 08 ff ff ff ff 1f ff ff 00")
            .dataOut((unit, cdb) -> unit.blockSize()));
    table.accept(
        writeSame("WRITE SAME (16)", "93 09 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00")
            .dataOut((unit, cdb) -> BigEndian.bit(cdb, 1, NDOB_BIT) ? 0 : unit.blockSize()));
  }

  private static Command writeSame(String name, String usage) {
    return new Command(name, usage)
        .traits(Command.Trait.MEDIUM, Command.Trait.WRITES)
        .moves(Traffic.WRITE, WriteSameCommands::movedBytes)
        .timeout(300)
        .runs(WriteSameCommands::writeSame);
  }

  /** What it writes at most; blocks that are unmapped are not written. */
  private static long movedBytes(LogicalUnit unit, byte[] cdb) {
    long blocks = Cdb.blocks(cdb);
    long written = blocks == 0 ? unit.blocks() - Cdb.lba(cdb) : blocks;
    boolean moves =
        !BigEndian.bit(cdb, 1, UNMAP_BIT) && written <= BlockLimits.of(unit).writeSame();
    return moves ? written * unit.blockSize() : 0;
  }

  private static void writeSame(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    boolean unmap = BigEndian.bit(cdb, 1, UNMAP_BIT);
    boolean noData = task.dataOutLength() == 0;
    if (unmap && !unit.isThin()) {
      throw CheckCondition.inCdb(1, UNMAP_BIT);
    }
    long lba = Cdb.lba(cdb);
    long blocks = Cdb.blocks(cdb);
    unit.checkRange(lba, blocks);
    if (blocks == 0) {
      blocks = unit.blocks() - lba;
    }
    if (blocks > BlockLimits.of(unit).writeSame()) {
      throw CheckCondition.inCdb(Cdb.blocksAt(cdb), 7);
    }
    ByteBuffer data = task.dataOut();
    if (!noData
        && (data == null
            || data.remaining() != unit.blockSize()
            || task.dataOutExpected() > unit.blockSize())) {
      throw new CheckCondition(SenseCode.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
    }
    if (blocks == 0) {
      unit.good(task);
      return;
    }
    boolean discards = unmap && unit.readsZerosAfterUnmap();
    long end = lba + blocks;
    Consumer<RangeLocks.Hold> run =
        unmap || data == null || isZero(data)
            ? hold -> new Zeros(unit, task, lba, end, discards, hold).run()
            : hold -> new Pattern(unit, task, data, lba, end, hold).run();
    unit.acquire(task, lba, end, RangeLocks.Mode.SHARED, run);
  }

  private static boolean isZero(ByteBuffer data) {
    for (int at = data.position(); at < data.limit(); at++) {
      if (data.get(at) != 0) {
        return false;
      }
    }
    return true;
  }

  /** Discards the blocks, or writes zeros to them. */
  private static final class Zeros extends IoSequence {
    private final LogicalUnit unit;
    private final Task task;
    private final long start;
    private final long end;
    private final boolean discards;
    private final RangeLocks.Hold hold;
    private final boolean durable;
    private int sent;

    Zeros(
        LogicalUnit unit, Task task, long start, long end, boolean discards, RangeLocks.Hold hold) {
      this.hold = hold;
      this.unit = unit;
      this.task = task;
      this.start = start;
      this.end = end;
      this.discards = discards;
      durable = !unit.modes().isWriteCacheEnabled();
    }

    @Override
    protected BlockDevice device() {
      return unit.device();
    }

    @Override
    protected @Nullable Io next() {
      long sector = unit.sectors(start);
      long sectors = unit.sectors(end - start);
      return switch (sent++) {
        case 0 ->
            discards
                ? Io.discard(sector, sectors, this)
                : Io.writeZeroes(sector, sectors, durable, this);
        case 1 -> discards && durable ? Io.flush(this) : null;
        default -> null;
      };
    }

    @Override
    protected Sense failed(Io io, IoError error) {
      return Sense.ofWrite(error, start);
    }

    @Override
    protected void ended(@Nullable Sense sense) {
      hold.release();
      unit.end(task, sense);
    }
  }

  /** Writes the block over and over, through a buffer that holds it many times. */
  private static final class Pattern extends IoSequence {
    private static final int BUFFER = 64 << 10;

    private final LogicalUnit unit;
    private final Task task;
    private final ByteBuffer buffer;
    private final RangeLocks.Hold hold;
    private final long end;
    private final boolean durable;
    private long lba;

    Pattern(
        LogicalUnit unit, Task task, ByteBuffer block, long start, long end, RangeLocks.Hold hold) {
      this.hold = hold;
      this.unit = unit;
      this.task = task;
      this.end = end;
      durable = !unit.modes().isWriteCacheEnabled();
      lba = start;
      int size = (int) Math.min(BUFFER, (end - start) * unit.blockSize());
      buffer = ByteBuffer.allocateDirect(size);
      for (int at = 0; at < size; at += unit.blockSize()) {
        buffer.put(at, block, block.position(), unit.blockSize());
      }
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
      int blocks = (int) Math.min(buffer.capacity() / unit.blockSize(), end - lba);
      long from = lba;
      lba += blocks;
      return Io.write(
          unit.sectors(from), buffer.slice(0, blocks * unit.blockSize()), durable, this);
    }

    @Override
    protected Sense failed(Io io, IoError error) {
      return Sense.ofWrite(error, unit.toBlocks(io.sector()));
    }

    @Override
    protected void ended(@Nullable Sense sense) {
      hold.release();
      unit.end(task, sense);
    }
  }
}
