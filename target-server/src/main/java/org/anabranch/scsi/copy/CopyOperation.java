// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.copy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.rate.Traffic;
import org.anabranch.scsi.unit.IoSequence;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.RangeLocks;
import org.anabranch.scsi.unit.ScratchMemory;
import org.jspecify.annotations.Nullable;

/**
 * A running EXTENDED COPY. It copies segment by segment through one scratch buffer, alternating
 * reads and writes. For each segment it locks the target's blocks against atomic commands, then
 * borrows the buffer, and returns both before the next segment, as {@link ScratchMemory} requires.
 * Each segment is checked again before it is copied, since a unit may have been reserved, write
 * protected or sanitized in the meantime. Where source and target overlap, blocks are copied as
 * they are when they are read.
 */
final class CopyOperation {
  private final LogicalUnit manager;
  private final Task task;
  private final List<CopySegment> segments;
  private final Consumer<@Nullable Sense> done;

  /** Segments completed and bytes written so far, for RECEIVE COPY RESULTS. */
  private final AtomicInteger processed = new AtomicInteger();

  private final AtomicLong written = new AtomicLong();

  CopyOperation(
      LogicalUnit manager, Task task, List<CopySegment> segments, Consumer<@Nullable Sense> done) {
    this.manager = manager;
    this.task = task;
    this.segments = segments;
    this.done = done;
  }

  int processed() {
    return processed.get();
  }

  /** Whether all segments have been copied. False after an error or an abort. */
  boolean isComplete() {
    return processed.get() == segments.size();
  }

  long written() {
    return written.get();
  }

  void run() {
    if (isComplete() || manager.tasks().isAborting(task)) {
      done.accept(null);
      return;
    }
    int index = processed.get();
    CopySegment segment = segments.get(index);
    try {
      segment.check(task.nexus(), index);
    } catch (CheckCondition refused) {
      done.accept(refused.sense());
      return;
    }
    segment
        .target()
        .ranges()
        .acquire(
            segment.targetLba(),
            segment.targetEnd(),
            RangeLocks.Mode.SHARED,
            hold -> manager.scratch().borrow(scratch -> new Pieces(segment, scratch, hold).run()),
            () ->
                done.accept(CopySegment.failed(SenseCode.COPY_TARGET_DEVICE_NOT_REACHABLE, index)));
  }

  /** One segment. */
  private final class Pieces extends IoSequence {
    private final CopySegment segment;
    private final ByteBuffer scratch;
    private final RangeLocks.Hold hold;
    private long offset;
    private boolean reading;

    Pieces(CopySegment segment, ByteBuffer scratch, RangeLocks.Hold hold) {
      this.hold = hold;
      this.segment = segment;
      this.scratch = scratch;
    }

    @Override
    protected BlockDevice device() {
      return reading ? segment.source().device() : segment.target().device();
    }

    @Override
    protected @Nullable Io next() {
      if (offset == segment.bytes() || manager.tasks().isAborting(task)) {
        return null;
      }
      reading = !reading;
      ByteBuffer piece = scratch.slice(0, length());
      LogicalUnit unit = reading ? segment.source() : segment.target();
      long sector =
          unit.sectors(reading ? segment.sourceLba() : segment.targetLba()) + offset / 512;
      return reading
          ? Io.read(sector, piece, this)
          : Io.write(sector, piece, !unit.modes().isWriteCacheEnabled(), this);
    }

    /** A piece counts for the limits of the unit that it is read from or written to. */
    @Override
    protected void submit(Io io) {
      LogicalUnit unit = reading ? segment.source() : segment.target();
      Traffic traffic = reading ? Traffic.READ : Traffic.WRITE;
      unit.pace().run(task, traffic, io.sectors() * 512, () -> unit.device().submit(io));
    }

    private int length() {
      return (int) Math.min(ScratchMemory.SIZE, segment.bytes() - offset);
    }

    @Override
    protected @Nullable Sense succeeded(Io io) {
      if (!reading) {
        offset += length();
        written.addAndGet(io.sectors() * 512);
      }
      return null;
    }

    @Override
    protected Sense failed(Io io, IoError error) {
      return segment.failed(SenseCode.THIRD_PARTY_DEVICE_FAILURE, processed.get(), offset);
    }

    @Override
    protected void ended(@Nullable Sense sense) {
      manager.scratch().giveBack(scratch);
      hold.release();
      if (sense != null || offset < segment.bytes()) {
        done.accept(sense);
        return;
      }
      processed.incrementAndGet();
      // Not called from here: a list of many short segments would grow the stack.
      manager.later(CopyOperation.this::run);
    }
  }
}
