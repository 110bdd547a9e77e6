// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The segments of one owner in a {@link Ring}: entries are appended to the newest one. A segment is
 * given back as soon as all of its entries are done, so an owner that has none under way uses
 * nothing. Guarded by a lock of the owner's.
 */
final class RingPart {
  /** A segment in use. */
  static final class Segment {
    final int index;
    int live;
    long fill = Ring.SEGMENT_HEADER;

    Segment(int index) {
      this.index = index;
    }
  }

  private final Ring ring;
  private final byte[] owner;
  private long next;

  /** The one that entries are appended to; null if it is full, or all of its entries are done. */
  private @Nullable Segment newest;

  RingPart(Ring ring, byte[] owner, long firstNumber) {
    this.ring = ring;
    this.owner = owner;
    this.next = firstNumber;
  }

  /** The most bytes that one entry can hold. */
  int mostBytes() {
    return ring.mostBytes();
  }

  /**
   * Copies a write. The next process finds it once it was {@link #acknowledge}d.
   *
   * @param data at most {@link #mostBytes} bytes, whole sectors
   * @return null if the ring is full
   */
  @Nullable RingEntry append(long sector, ByteBuffer data) {
    long bytes = Ring.ENTRY_HEADER + (long) data.remaining();
    Segment segment = newest;
    if (segment == null || segment.fill + bytes > ring.segmentBytes()) {
      int index = ring.take(owner, next);
      if (index < 0) {
        return null;
      }
      segment = new Segment(index);
      newest = segment;
    }
    long offset = segment.fill;
    ByteBuffer copy = ring.write(segment.index, offset, next, sector, data);
    next++;
    segment.live++;
    segment.fill += bytes;
    return new RingEntry(segment, offset, copy);
  }

  /**
   * The write of an entry is about to be acknowledged. When this returns, it outlives the process.
   */
  void acknowledge(RingEntry entry) {
    ring.acknowledge(entry.segment().index, entry.offset());
  }

  /** The write of an entry has ended: it will not be replayed. */
  void done(RingEntry entry) {
    Segment segment = entry.segment();
    ring.done(segment.index, entry.offset());
    segment.live--;
    if (segment.live == 0) {
      ring.freeSegment(segment.index);
      if (segment.equals(newest)) {
        newest = null;
      }
    }
  }
}
