// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.IoSplit;
import org.anabranch.block.snapshot.OriginCounter;
import org.anabranch.block.store.Extent;

/**
 * Routes writes to a snapshot. A chunk with an exception is written on the COW device; a chunk
 * whose exception is pending waits for it; any other gets an exception. Whole chunks are filled by
 * the write itself, as many at once as possible; a chunk that is written in part is copied first.
 */
final class SnapshotWrites {
  private final SnapshotTarget target;
  private final OriginGroup group;
  private final Extent extent = new Extent(); // guarded by the group's lock

  SnapshotWrites(SnapshotTarget target) {
    this.target = target;
    this.group = target.group;
  }

  /** Takes ownership of a write or write of zeros. Without the lock. */
  void write(Io io) {
    write(io, true);
  }

  /**
   * With {@code fresh}, it has not waited for an exception yet, and may wait for a slot. An
   * overflow refuses what comes after it, and not what has its exception and waited for that.
   */
  private void write(Io io, boolean fresh) {
    BlockDevice next = null;
    group.lock.enter();
    try {
      Snapshot snapshot = fresh ? target.writable(io) : target.valid(io);
      if (snapshot == null) {
        return;
      }
      snapshot.table.lookup(io.sector() >> snapshot.shift, extent);
      if (extent.mapped() && behind(snapshot, extent) >= io.end()) {
        next = aim(snapshot, io);
      } else {
        writeInPieces(snapshot, io, fresh);
      }
    } finally {
      group.lock.leave();
    }
    if (next != null) {
      next.submit(io);
    }
  }

  private void writeInPieces(Snapshot snapshot, Io io, boolean fresh) {
    long first = io.sector();
    long sectors = io.sectors();
    IoSplit split = null;
    for (long done = 0; done < sectors; ) {
      long sector = first + done;
      long rest = sectors - done;
      long chunk = sector >> snapshot.shift;
      snapshot.table.lookup(chunk, extent);
      PendingException pending = extent.mapped() ? null : snapshot.pendingAt(chunk);
      boolean noSlot = !extent.mapped() && pending == null && fresh && !group.slots.free();
      PendingException begun = null;
      boolean whole = false;
      long count;
      if (extent.mapped()) {
        count = Math.min(rest, behind(snapshot, extent) - sector);
      } else if (pending != null) {
        count = Math.min(rest, (pending.end() << snapshot.shift) - sector);
      } else if (noSlot || snapshot.overflowed) {
        count = rest;
      } else {
        long chunks = Math.min(extent.length(), snapshot.nextPending(chunk) - chunk);
        long covered =
            sector == chunk << snapshot.shift ? Math.min(chunks, rest >> snapshot.shift) : 0;
        whole = covered > 0;
        begun = snapshot.begin(chunk, Math.max(1, covered));
        count = begun == null ? rest : Math.min(rest, (begun.end() << snapshot.shift) - sector);
      }
      if (count < sectors && split == null) {
        split = new IoSplit(io);
      }
      Io piece = split == null ? io : split.piece(done, count);
      if (extent.mapped()) {
        group.lock.submit(aim(snapshot, piece), piece);
      } else if (pending != null) {
        pending.committed.await(() -> write(piece, false));
      } else if (noSlot) {
        target.originCounters.increment(OriginCounter.SLOT_WAITS);
        group.slots.await(() -> write(piece, true));
      } else if (begun == null) {
        Gate room = snapshot.room();
        if (room == null) {
          full(snapshot, piece);
        } else {
          room.await(() -> write(piece, false));
        }
      } else if (whole) {
        snapshot.fill(begun, piece);
      } else {
        snapshot.copy(begun);
        begun.committed.await(() -> write(piece, false));
      }
      done += count;
    }
    if (split != null) {
      group.lock.after(split::cut);
    }
  }

  private void full(Snapshot snapshot, Io io) {
    IoError error = snapshot.full();
    if (snapshot.store.overflows()) {
      snapshot.overflow();
      group.lock.complete(io, error);
    } else {
      snapshot.invalidate(Invalidation.STORE_FULL).await(() -> io.complete(error));
    }
  }

  /**
   * Takes ownership of a discard. Chunks with exceptions become zeros. Others do not change, or are
   * discarded on the origin with {@code discard_passdown_origin}. Without the lock.
   */
  void discard(Io io, boolean passdown) {
    group.lock.enter();
    try {
      Snapshot snapshot = target.writable(io);
      if (snapshot == null) {
        return;
      }
      IoSplit split = new IoSplit(io);
      for (long done = 0; done < io.sectors(); ) {
        long sector = io.sector() + done;
        long chunk = sector >> snapshot.shift;
        snapshot.table.lookup(chunk, extent);
        PendingException pending = extent.mapped() ? null : snapshot.pendingAt(chunk);
        long until =
            pending == null
                ? Math.min(behind(snapshot, extent), before(snapshot, chunk))
                : pending.end() << snapshot.shift;
        long count = Math.min(until, io.end()) - sector;
        Io piece = split.piece(done, count);
        if (extent.mapped()) {
          zero(snapshot, piece);
        } else if (pending != null) {
          pending.committed.await(() -> discard(piece, passdown));
        } else if (passdown) {
          group.lock.after(() -> group.write(piece, target, target.originCounters));
        } else {
          group.lock.complete(piece, null);
        }
        done += count;
      }
      group.lock.after(split::cut);
    } finally {
      group.lock.leave();
    }
  }

  private void zero(Snapshot snapshot, Io discard) {
    long sector = discard.sector() + shift(snapshot);
    Io zero =
        Io.writeZeroes(
            sector, discard.sectors(), false, (zeroed, error) -> discard.complete(error));
    group.lock.submit(snapshot.cow, zero);
  }

  /** Adjusts {@code io}, whose range was looked up and is mapped, for the COW device. */
  private BlockDevice aim(Snapshot snapshot, Io io) {
    io.remap(io.sector() + shift(snapshot));
    return snapshot.cow;
  }

  /** The distance of the looked-up chunks from their place on the origin. */
  private long shift(Snapshot snapshot) {
    return (extent.newChunk() - extent.oldChunk()) << snapshot.shift;
  }

  /** The sector after the looked-up range. */
  private static long behind(Snapshot snapshot, Extent extent) {
    long chunk = extent.oldChunk() + extent.length();
    return chunk > Long.MAX_VALUE >> 9 >> snapshot.shift ? Long.MAX_VALUE : chunk << snapshot.shift;
  }

  /** The first sector of the next pending exception after {@code chunk}. */
  private static long before(Snapshot snapshot, long chunk) {
    long next = snapshot.nextPending(chunk);
    return next == Long.MAX_VALUE ? next : next << snapshot.shift;
  }
}
