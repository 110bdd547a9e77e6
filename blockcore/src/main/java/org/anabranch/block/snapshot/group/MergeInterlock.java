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
 * What happens to a write that hits a chunk being merged? It waits here while these very sectors
 * are copied, which takes milliseconds; before that it goes to the COW device, and after that to
 * both devices, until the batch is committed.
 *
 * <pre>
 *   the write touches        not copied yet         being copied   copied              committed
 *   a chunk of the batch     COW device, tracked    waits          origin, then COW    origin
 *   a chunk not merged yet   COW device, tracked
 *   any other chunk          origin
 * </pre>
 *
 * <p>A copy begins when the writes that were on their way to its sectors on the COW device have
 * ended, so no write is lost between the two places. Of a chunk that was copied nobody knows on
 * which device it will be found after a power cut: so both are kept equal. The origin is written
 * first: whoever reads the new data on the COW device will also find it on the origin later. Two
 * such writes to the same sectors go one after the other, or the devices might end with different
 * ones. So nobody waits for a batch, nor for its flush. Reads never wait: they go to the COW device
 * until the batch is committed, and to the origin from then on, and read the same.
 *
 * <p>What if the merge fails? Writes that wait here fail. Everything goes on as before, on the COW
 * device. Only when the records could not be taken off the store's list, the chunks of the batch
 * stay on both devices, since the list may be found either way. A suspend waits for the batch.
 *
 * <p>Guarded by the group's lock.
 */
final class MergeInterlock {
  /** Sectors of the origin in which a copy, or a write to both devices, is under way. */
  record Range(long sector, long end) {
    boolean touches(long from, long to) {
      return sector < to && from < end;
    }
  }

  private final DeferringLock lock;
  private final int shift;
  private final ArrayDeque<Io> waiting = new ArrayDeque<>();
  private final List<Range> busy = new ArrayList<>();

  /** The batch that is copied or committed; null when there is none. */
  private @Nullable MergeBatch batch;

  /** Where copying is: what the batch has in front of this sector is busy or was copied. */
  private long frontier;

  /** {@code shift}: from sectors to chunks. */
  MergeInterlock(DeferringLock lock, int shift) {
    this.lock = lock;
    this.shift = shift;
  }

  /** A batch is about to be copied. */
  void close(MergeBatch next) {
    batch = next;
    frontier = 0;
  }

  /** A copy of the batch's next sectors begins: writes to them wait until {@link #end}. */
  Range beginCopy(long sector, long sectors) {
    frontier = sector + sectors;
    return begin(sector, frontier);
  }

  /** A write to both devices begins. */
  Range begin(long sector, long end) {
    Range range = new Range(sector, end);
    busy.add(range);
    return range;
  }

  /** What began has ended: those who waited for it are routed afresh. */
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

  /** Whether a write must not go on now: then {@link #hold} takes it. */
  boolean holds(Io io) {
    for (Range range : busy) {
      if (range.touches(io.sector(), io.end())) {
        return true;
      }
    }
    return false;
  }

  void hold(Io io) {
    waiting.add(io);
  }

  /** Whether a sector, on which nothing is busy, is to be written on both devices. */
  boolean wantsBoth(long sector) {
    return batch != null && sector < frontier && batch.covers(sector >> shift);
  }

  /** The first sector behind {@code sector} for which {@link #wantsBoth} may differ. */
  long sameUntil(long sector) {
    if (batch == null || sector >= frontier) {
      return Long.MAX_VALUE;
    }
    return Math.min(frontier, batch.boundary(sector >> shift) << shift);
  }

  /** The batch has been committed: from here on it is the origin's. */
  void open() {
    batch = null;
  }

  /**
   * The merge failed: those who waited fail. {@code fateUnknown}: what was copied stays on both
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

  /** How many writes wait. */
  int waiting() {
    return waiting.size();
  }
}
