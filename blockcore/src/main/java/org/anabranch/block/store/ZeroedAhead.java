// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;

/**
 * Writes zeros where a sparse store will have small copies next. A sync of what was written before
 * waits for the data alone; a sync of what filled a hole waits for the file system's journal, too,
 * and each first write to a chunk waits for a sync.
 *
 * <p>It keeps up to {@link #ZEROED} sectors ahead of the allocations. Where storage backs the
 * device already, as on a block device, nothing is written. Large allocations go into the hole as
 * they are, since zeros would cost them more than the journal does, and so do those that share a
 * sync with others. Zeros that can't be written are done without. A power cut may leave any part of
 * them: nothing here is on the list of exceptions.
 *
 * <p>Zeros are only written while an allocation waits for them, so that nothing is under way when
 * no exception is pending: then the device may be another store's. They end at the next metadata
 * area, which the store zeroes itself, possibly at the same moment.
 *
 * <p>All of it is guarded by the snapshot's lock.
 */
final class ZeroedAhead {
  /** A MiB. */
  static final int ZEROED = 2048;

  /** So much at once is not worth it: 64 KiB. */
  static final int LARGE = 128;

  /** So many in succession must be alone before it is worth it. */
  static final int ALONE = 4;

  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(ZEROED << 9).asReadOnlyBuffer();

  /**
   * An allocation that waits.
   *
   * @param limit first sector behind it that is not for data
   */
  private record Waiting(long sector, long end, long limit, boolean wantsZeros, Runnable then) {}

  private final BlockDevice cow;
  private final DeferringLock lock;

  /** In the order of allocation; no more than there are pending exceptions. */
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

  /** Nothing needs to be done for sectors in front of this one. */
  private long done;

  /** Whether the sectors from {@link #done} on are being looked at, or zeroed. */
  private boolean busy;

  /** Allocations since the last one that was not alone, as far as it matters. */
  private int alone;

  ZeroedAhead(BlockDevice cow, DeferringLock lock) {
    this.cow = cow;
    this.lock = lock;
  }

  /** Allocations begin at this sector. */
  void begin(long sector) {
    done = sector;
  }

  /**
   * Runs {@code then} without the lock when the sectors may be written to.
   *
   * @param sector behind all that was asked for before
   * @param limit the first sector behind the allocation that is not for data
   * @param isAlone whether nothing else that was allocated is on its way
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

  /** Sees to what lies between two sectors, a hole at a time. */
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
