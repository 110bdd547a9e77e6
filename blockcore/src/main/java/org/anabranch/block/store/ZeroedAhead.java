// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;

/**
 * Writes zeros to a sparse store ahead of small copies. A sync after a write to allocated storage
 * waits only for the data; a sync after filling a hole also waits for the file system's journal,
 * and every first write to a chunk waits for a sync.
 *
 * <p>It keeps up to {@link #ZEROED} sectors ahead of the allocations. It writes nothing where the
 * device has storage already, as a block device does. Large allocations are not zeroed first, since
 * that would cost more than the journal, nor are those that share a sync with others. If zeros
 * cannot be written, the copy goes on without them. A power cut may leave any part of them, because
 * none of it is on the list of exceptions.
 *
 * <p>Zeros are written only while an allocation waits for them. So nothing is in flight when no
 * exception is pending, and the device may then be passed to another store. They end before the
 * next metadata area, which the store zeroes itself, possibly at the same moment.
 *
 * <p>All of it is guarded by the snapshot's lock.
 */
final class ZeroedAhead {
  /** 1 MiB. */
  static final int ZEROED = 2048;

  /** Allocations from this size on are not zeroed first: 64 KiB. */
  static final int LARGE = 128;

  /** So many successive allocations must be alone before zeroing pays off. */
  static final int ALONE = 4;

  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(ZEROED << 9).asReadOnlyBuffer();

  /**
   * A waiting allocation.
   *
   * @param limit the first following sector that is not for data
   */
  private record Waiting(long sector, long end, long limit, boolean wantsZeros, Runnable then) {}

  private final BlockDevice cow;
  private final DeferringLock lock;

  /** In the order of allocation; at most as many as there are pending exceptions. */
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

  /** Sectors before this one need no work. */
  private long done;

  /** Whether the sectors from {@link #done} on are being examined or zeroed. */
  private boolean busy;

  /** Allocations since the last one that was not alone, up to {@link #ALONE}. */
  private int alone;

  ZeroedAhead(BlockDevice cow, DeferringLock lock) {
    this.cow = cow;
    this.lock = lock;
  }

  /** Sets the sector of the first allocation. */
  void begin(long sector) {
    done = sector;
  }

  /**
   * Runs {@code then} without the lock once the sectors may be written.
   *
   * @param sector after all sectors of earlier calls
   * @param limit the first sector after the allocation that is not for data
   * @param isAlone whether no other allocation is in flight
   */
  void whenDone(long sector, long sectors, long limit, boolean isAlone, Runnable then) {
    lock.checkHeld();
    alone = isAlone ? Math.min(alone + 1, ALONE) : 0;
    boolean wantsZeros = sectors < LARGE && alone >= ALONE;
    waiting.add(new Waiting(sector, sector + sectors, limit, wantsZeros, then));
    advance();
  }

  private void advance() {
    for (Waiting first; !busy && (first = waiting.peek()) != null; ) {
      if (first.end > done && first.wantsZeros) {
        long from = Math.max(done, first.sector);
        look(from, Math.min(from + ZEROED, first.limit));
      }
      if (!busy) {
        done = Math.max(done, first.end);
        waiting.remove();
        lock.after(first.then);
      }
    }
  }

  /** Zeroes the holes between two sectors, one at a time. */
  private void look(long from, long to) {
    long end = Math.min(to, cow.sectors());
    busy = from < end;
    if (!busy) {
      done = Math.max(done, from);
      return;
    }
    IoCompletion seen =
        (status, error) ->
            lock.run(() -> {
              long next = error == null ? from + status.statusSectors() : end;
              if (error != null || status.allocated()) {
                look(next, end);
              } else {
                zero(from, Math.min(next, from + ZEROED), end);
              }
              advance();
            });
    lock.submit(cow, Io.blockStatus(from, end - from, seen));
  }

  private void zero(long from, long to, long end) {
    ByteBuffer zeros = ZEROS.slice(0, (int) (to - from) << 9);
    IoCompletion zeroed =
        lock.locked(error -> {
          look(to, end);
          advance();
        });
    lock.submit(cow, Io.write(from, zeros, false, zeroed));
  }
}
