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
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.data.Parameters;
import org.anabranch.scsi.rate.Traffic;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.IoSequence;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.RangeLocks;
import org.jspecify.annotations.Nullable;

/**
 * UNMAP (SBC-3 5.28): discards blocks. All descriptors are checked before the first discard, so a
 * rejected command has changed nothing. With the write cache disabled, a flush follows the last
 * discard. ANCHOR is not supported.
 */
final class UnmapCommands {
  private static final int HEADER = 8;
  private static final int DESCRIPTOR = 16;

  private UnmapCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("UNMAP", "42 00 00 00 00 00 1f ff ff 00")
            .onlyOf(LogicalUnit::isThin)
            .traits(Command.Trait.MEDIUM, Command.Trait.WRITES)
            .timeout(60)
            .moves(Traffic.WRITE, (unit, cdb) -> 0)
            .dataOut((unit, cdb) -> BigEndian.u16(cdb, 7))
            .runs(UnmapCommands::unmap));
  }

  private static void unmap(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] list = Parameters.list(task);
    if (list.length == 0) {
      unit.good(task);
      return;
    }
    if (list.length < HEADER) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    int descriptorBytes = Math.min(BigEndian.u16(list, 2), list.length - HEADER);
    int count = descriptorBytes / DESCRIPTOR;
    BlockLimits limits = BlockLimits.of(unit);
    if (count > limits.unmapDescriptors()) {
      throw CheckCondition.inParameters(2, 7);
    }
    long total = 0;
    long first = Long.MAX_VALUE;
    long last = 0;
    for (int i = 0; i < count; i++) {
      int at = HEADER + i * DESCRIPTOR;
      long lba = BigEndian.u64(list, at);
      long blocks = BigEndian.u32(list, at + 8);
      unit.checkRange(lba, blocks);
      total += blocks;
      if (total > limits.unmap()) {
        throw CheckCondition.inParameters(at + 8, 7);
      }
      first = Math.min(first, lba);
      last = Math.max(last, lba + blocks);
    }
    if (total == 0) {
      unit.good(task);
      return;
    }
    long start = first;
    long end = last;
    unit.acquire(
        task,
        start,
        end,
        RangeLocks.Mode.SHARED,
        hold -> new Discards(unit, task, ByteBuffer.wrap(list), count, hold).run());
  }

  /** One discard for each descriptor that is not empty, and a flush if needed. */
  private static final class Discards extends IoSequence {
    private final LogicalUnit unit;
    private final Task task;
    private final ByteBuffer list;
    private final int count;
    private final RangeLocks.Hold hold;
    private final boolean durable;
    private int done;

    Discards(LogicalUnit unit, Task task, ByteBuffer list, int count, RangeLocks.Hold hold) {
      this.unit = unit;
      this.task = task;
      this.list = list;
      this.count = count;
      this.hold = hold;
      durable = !unit.modes().isWriteCacheEnabled();
    }

    @Override
    protected BlockDevice device() {
      return unit.device();
    }

    @Override
    protected @Nullable Io next() {
      while (done < count && !unit.tasks().isAborting(task)) {
        int at = HEADER + done++ * DESCRIPTOR;
        long lba = list.getLong(at);
        long blocks = list.getInt(at + 8) & 0xffff_ffffL;
        if (blocks != 0) {
          return Io.discard(unit.sectors(lba), unit.sectors(blocks), this);
        }
      }
      if (durable && done == count) {
        done++;
        return Io.flush(this);
      }
      return null;
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
