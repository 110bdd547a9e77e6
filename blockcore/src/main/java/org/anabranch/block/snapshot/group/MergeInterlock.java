// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.store.MergeBatch;
import org.jspecify.annotations.Nullable;

/**
 * What happens to a write that hits a chunk being merged? It waits here while exactly its sectors
 * are copied, which takes milliseconds. Before that it goes to the COW device, and afterwards to
 * both devices, until the batch is committed.
 *
 * <pre>
 *   the write touches        not copied yet         being copied   copied              committed
 *   a chunk of the batch     COW device, tracked    waits          origin, then COW    origin
 *   a chunk not merged yet   COW device, tracked
 *   any other chunk          origin
 * </pre>
 *
 * <p>A copy starts when the writes in flight to its sectors on the COW device have ended, so no
 * write is lost between the two. Until the commit, a power cut may leave a copied chunk on either
 * device, so both are kept equal. The origin is written first: data that a read has returned from
 * the COW device is then also on the origin. Two such writes to the same sectors run one after the
 * other; otherwise the devices could end up different. So no write waits for a batch or its flush.
 * Reads never wait: they go to the COW device until the batch is committed, then to the origin,
 * with the same result.
 *
 * <p>What if the merge fails? Writes that wait here fail. Everything else continues on the COW
 * device as before. Only if removing the records from the store's list failed, the chunks of the
 * batch stay on both devices, since the list may be found either way. A suspend waits for the
 * batch.
 *
 * <p>Guarded by the group's lock.
 */
final class MergeInterlock {
  /** Sectors of the origin with a copy, or a write to both devices, in flight. */
  record Range(long sector, long end) {
    boolean touches(long from, long to) {
      return sector < to && from < end;
    }
  }

  private final DeferringLock lock;
  private final int shift;
  private final ArrayDeque<Io> waiting = new ArrayDeque<>();
  private final List<Range> busy = new ArrayList<>();

  /** The batch that is being copied or committed; null if there is none. */
  private @Nullable MergeBatch batch;

  /** The position of copying: sectors of the batch before it are busy or copied. */
  private long frontier;

  /** {@code shift}: from sectors to chunks. */
  MergeInterlock(DeferringLock lock, int shift) {
    this.lock = lock;
    this.shift = shift;
  }

  /** Copying of a batch is about to start. */
  void close(MergeBatch next) {
    batch = next;
    frontier = 0;
  }

  /** Starts a copy of the batch's next sectors; writes to them wait until {@link #end}. */
  Range beginCopy(long sector, long sectors) {
    frontier = sector + sectors;
    return begin(sector, frontier);
  }

  /** Starts a write to both devices. */
  Range begin(long sector, long end) {
    Range range = new Range(sector, end);
    busy.add(range);
    return range;
  }

  /** Ends a copy or a write; the requests that waited for it are routed again. */
  void end(Range range, Consumer<Io> route) {
    int at = busy.indexOf(range); // no two are equal, as none touches another
    busy.set(at, busy.getLast());
    busy.removeLast();
    for (Iterator<Io> all = waiting.iterator(); all.hasNext(); ) {
      Io io = all.next();
      if (range.touches(io.sector(), io.end()) && !holds(io)) {
        all.remove();
        lock.after(() -> route.accept(io));
      }
    }
  }

  /** Whether a write must wait now; {@link #hold} then takes it. */
  boolean holds(Io io) {
    return holds(io.sector(), io.end());
  }

  /** The same for a write to these sectors. */
  boolean holds(long sector, long end) {
    for (Range range : busy) {
      if (range.touches(sector, end)) {
        return true;
      }
    }
    return false;
  }

  void hold(Io io) {
    waiting.add(io);
  }

  /** Whether a sector with nothing in flight must be written on both devices. */
  boolean wantsBoth(long sector) {
    return batch != null && sector < frontier && batch.covers(sector >> shift);
  }

  /** The first sector after {@code sector} for which {@link #wantsBoth} may differ. */
  long sameUntil(long sector) {
    if (batch == null || sector >= frontier) {
      return Long.MAX_VALUE;
    }
    return Math.min(frontier, batch.boundary(sector >> shift) << shift);
  }

  /** The batch was committed; its chunks now belong to the origin. */
  void open() {
    batch = null;
  }

  /**
   * The merge failed; waiting writes fail. With {@code fateUnknown}, what was copied stays on both
   * devices.
   */
  void fail(boolean fateUnknown) {
    if (!fateUnknown) {
      batch = null;
    }
    for (Io io; (io = waiting.poll()) != null; ) {
      lock.complete(io, IoError.of(IoError.Kind.IO, "the merge of this chunk failed"));
    }
  }

  /** The number of waiting writes. */
  int waiting() {
    return waiting.size();
  }
}
