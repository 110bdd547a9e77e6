// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.Objects;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoSplit;
import org.anabranch.block.store.Extent;
import org.jspecify.annotations.Nullable;

/**
 * Routes reads and block status requests: to the COW device where a chunk has an exception, and to
 * the origin elsewhere. A request is passed on whole if one lookup covers it, otherwise in as few
 * pieces as there are runs.
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
   * Routes a read or block status request. With the group's lock held.
   *
   * @return the device to which the caller submits it after releasing the lock; null if it was
   *     split
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

  /** Looks up the chunk of {@code sector}; returns the number of sectors that the result covers. */
  private long span(Snapshot snapshot, long sector, long end) {
    snapshot.table.lookup(sector >> snapshot.shift, extent);
    long chunks = extent.oldChunk() + extent.length();
    long last = chunks > end >> snapshot.shift ? end : chunks << snapshot.shift;
    return Math.min(last, end) - sector;
  }

  /** Adjusts {@code io}, whose range was looked up, for the device that it returns. */
  private BlockDevice aim(Snapshot snapshot, Io io) {
    if (extent.mapped()) {
      io.remap(io.sector() + ((extent.newChunk() - extent.oldChunk()) << snapshot.shift));
      return snapshot.cow;
    }
    if (tracks) {
      snapshot.tracked.track(
          io, io.sector() >> snapshot.shift, Math.max(io.sector(), io.end() - 1) >> snapshot.shift);
    }
    return Objects.requireNonNull(group.source(snapshot));
  }
}
