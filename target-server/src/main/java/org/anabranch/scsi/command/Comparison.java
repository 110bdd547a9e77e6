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
import org.anabranch.scsi.unit.IoSequence;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.ScratchMemory;
import org.jspecify.annotations.Nullable;

/**
 * Reads a range of blocks piece by piece and compares it with data from the initiator: with as many
 * blocks, with one block that is repeated, or with nothing, to check that the range can be read.
 *
 * <p>A difference ends it with MISCOMPARE; INFORMATION is the offset in the data-out buffer of the
 * first byte that differs (SBC-3 5.2, 5.31).
 */
final class Comparison extends IoSequence {
  /** What the data of the initiator is compared with. */
  enum Data {
    /** As many blocks as the range has, each with its own. */
    ALL_BLOCKS,
    /** One block, with every block of the range. */
    ONE_BLOCK
  }

  private final LogicalUnit unit;
  private final Task task;
  private final long end;
  private final @Nullable ByteBuffer data;
  private final Data kind;
  private final ByteBuffer scratch;
  private final Consumer<@Nullable Sense> done;
  private long lba;
  private int offset;
  private ByteBuffer piece;

  /**
   * @param data what to compare with, from its position on; null for nothing
   * @param done receives the result, and owns {@code scratch} again
   */
  Comparison(
      LogicalUnit unit,
      Task task,
      long lba,
      long end,
      @Nullable ByteBuffer data,
      Data kind,
      ByteBuffer scratch,
      Consumer<@Nullable Sense> done) {
    this.unit = unit;
    this.task = task;
    this.lba = lba;
    this.end = end;
    this.data = data;
    this.kind = kind;
    this.scratch = scratch;
    this.done = done;
    piece = scratch;
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
    int blocks = (int) Math.min(ScratchMemory.SIZE / unit.blockSize(), end - lba);
    piece = scratch.slice(0, blocks * unit.blockSize());
    long from = lba;
    lba += blocks;
    return Io.read(unit.sectors(from), piece, this);
  }

  @Override
  protected @Nullable Sense succeeded(Io io) {
    if (data == null) {
      return null;
    }
    int step = kind == Data.ONE_BLOCK ? unit.blockSize() : piece.capacity();
    for (int at = 0; at < piece.capacity(); at += step) {
      int from = data.position() + (kind == Data.ONE_BLOCK ? 0 : offset);
      int differs = piece.slice(at, step).mismatch(data.slice(from, step));
      if (differs >= 0) {
        return Sense.of(
            SenseCode.MISCOMPARE_DURING_VERIFY,
            (kind == Data.ONE_BLOCK ? 0 : offset) + (long) differs);
      }
    }
    offset += piece.capacity();
    return null;
  }

  @Override
  protected Sense failed(Io io, IoError error) {
    return Sense.ofRead(error, unit.badBlock(error, unit.toBlocks(io.sector()), end));
  }

  @Override
  protected void ended(@Nullable Sense sense) {
    done.accept(sense);
  }
}
