// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoSplit;
import org.anabranch.block.store.Extent;
import org.jspecify.annotations.Nullable;

/**
 * How reads, and questions for the allocation, find their data: where a chunk has an exception on
 * the COW device, else on the origin. A request goes on whole as long as one answer covers it, else
 * in as few pieces as there are runs.
 */
final class SnapshotReads {
  private final OriginGroup group;

  /** Whether the origin must not change under a read of it. */
  private final boolean tracks;

  private final Extent extent = new Extent(); // guarded by the group's lock

  SnapshotReads(OriginGroup group, boolean tracks) {
    this.group = group;
    this.tracks = tracks;
  }

  /**
   * Routes a read or a question. With the group's lock held.
   *
   * @return where the caller is to submit it, after releasing the lock; null if it went in pieces
   */
  @Nullable BlockDevice route(Snapshot snapshot, Io io) {
    long span = span(snapshot, io.sector(), io.end());
    if (span == io.sectors()) {
      return aim(snapshot, io);
    }
    if (io.op() == Io.Op.BLOCK_STATUS) {
      askFirst(snapshot, io, span);
      return null;
    }
    IoSplit split = new IoSplit(io);
    for (long done = 0; ; span = span(snapshot, io.sector() + done, io.end())) {
      Io piece = split.piece(done, span);
      group.lock.submit(aim(snapshot, piece), piece);
      done += span;
      if (done == io.sectors()) {
        break;
      }
    }
    group.lock.after(split::cut);
    return null;
  }

  private void askFirst(Snapshot snapshot, Io io, long span) {
    Io question =
        Io.blockStatus(
            io.sector(),
            span,
            (answered, error) -> {
              if (error == null) {
                io.answer(answered.allocated(), answered.statusSectors());
              }
              io.complete(error);
            });
    group.lock.submit(aim(snapshot, question), question);
  }

  /** Looks {@code sector}'s chunk up; for how many sectors that answer holds. */
  private long span(Snapshot snapshot, long sector, long end) {
    snapshot.table.lookup(sector >> snapshot.shift, extent);
    long chunks = extent.oldChunk() + extent.length();
    long last = chunks > end >> snapshot.shift ? end : chunks << snapshot.shift;
    return Math.min(last, end) - sector;
  }

  /** Makes {@code io}, whose range was looked up, ready for the device that it returns. */
  private BlockDevice aim(Snapshot snapshot, Io io) {
    if (extent.mapped()) {
      io.remap(io.sector() + ((extent.newChunk() - extent.oldChunk()) << snapshot.shift));
      return snapshot.cow;
    }
    if (tracks) {
      snapshot.tracked.track(
          io, io.sector() >> snapshot.shift, Math.max(io.sector(), io.end() - 1) >> snapshot.shift);
    }
    return group.origin;
  }
}
