// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.jspecify.annotations.Nullable;

/**
 * The changes that the server has acknowledged since the last flush, in the order of their
 * acknowledgements. A server that dies may lose them, while the initiators above stay and rely on
 * them; so they are made again on the next connection. Bounded. The link's lock guards it.
 */
final class UnflushedWrites {
  /** The most that is kept, bytes. */
  static final int MAX_BYTES = 32 << 20;

  /** What a change without data counts. */
  private static final int OVERHEAD = 64;

  /** One change. */
  record Kept(long number, Io.Op op, long sector, long sectors, @Nullable ByteBuffer data) {
    int bytes() {
      return OVERHEAD + (data == null ? 0 : data.capacity());
    }

    long end() {
      return sector + sectors;
    }

    /** A request that makes the change again. */
    Io again(IoCompletion done) {
      if (data != null) {
        return Io.write(sector, data.duplicate(), false, done);
      }
      return op == Io.Op.DISCARD
          ? Io.discard(sector, sectors, done)
          : Io.writeZeroes(sector, sectors, false, done);
    }
  }

  private final ArrayDeque<Kept> kept = new ArrayDeque<>();
  private long bytes;
  private long next;

  /** The number that the next change gets: a flush sent now makes all before it durable. */
  long mark() {
    return next;
  }

  /** The number of a change that is not kept. */
  long skip() {
    return next++;
  }

  /** Keeps a copy of a change; false if there is no room. */
  boolean add(Io io) {
    int length = io.op() == Io.Op.WRITE ? io.data().remaining() : 0;
    if (bytes + length + OVERHEAD > MAX_BYTES) {
      return false;
    }
    ByteBuffer copy =
        length == 0
            ? null
            : ByteBuffer.allocate(length).put(io.data().duplicate()).flip().asReadOnlyBuffer();
    Kept change = new Kept(next++, io.op(), io.sector(), io.sectors(), copy);
    kept.add(change);
    bytes += change.bytes();
    return true;
  }

  boolean isEmpty() {
    return kept.isEmpty();
  }

  /** Whether it is time to flush, so that there is room for more. */
  boolean isHalfFull() {
    return bytes > MAX_BYTES / 2;
  }

  /** A flush has ended well that was sent when {@link #mark} was {@code mark}. */
  void flushed(long mark) {
    for (Kept first = kept.peek(); first != null && first.number() < mark; first = kept.peek()) {
      bytes -= first.bytes();
      kept.remove();
    }
  }

  /**
   * The changes in groups: those of one group do not overlap, so that they may be made again at
   * once; the groups must follow one another.
   */
  List<List<Kept>> groups() {
    List<List<Kept>> groups = new ArrayList<>();
    Overlaps overlaps = new Overlaps();
    for (Kept change : kept) {
      if (groups.isEmpty() || overlaps.with(change.sector(), change.end())) {
        groups.add(new ArrayList<>());
        overlaps.clear();
      }
      groups.getLast().add(change);
      overlaps.add(change.sector(), change.end());
    }
    return groups;
  }
}
