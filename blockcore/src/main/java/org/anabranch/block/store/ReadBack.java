// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/**
 * Reads the last exceptions of a store's list for a merge. Their areas lie far apart and need one
 * small read each, so they are read in parallel, within the limits of {@link StoreScan}.
 *
 * <p>Used once. Guarded by the store's lock.
 */
final class ReadBack {
  /**
   * Called at the end. Both arguments are null on an error, which is the first one that occurred.
   */
  interface Done {
    void read(@Nullable ReadBack read, @Nullable IoError error);
  }

  private final BlockDevice cow;
  private final StoreLayout layout;
  private final DeferringLock lock;
  private final StoreArea end;
  private final Done done;
  private final long[] old;
  private final long[] news;

  /** How many of the exceptions are in the area of the list's end. */
  private final int inEnd;

  /** The number of earlier areas that are needed, and of those already requested. */
  private final int areas;

  private int issued;
  private int reading;
  private final ArrayDeque<ByteBuffer> spare = new ArrayDeque<>();
  private StoreArea lowest;
  private @Nullable IoError failure;

  /** Reads the last {@code count} of a list that has at least as many and ends in {@code end}. */
  ReadBack(
      BlockDevice cow,
      StoreLayout layout,
      DeferringLock lock,
      StoreArea end,
      int count,
      Done done) {
    this.cow = cow;
    this.layout = layout;
    this.lock = lock;
    this.end = end;
    this.done = done;
    this.old = new long[count];
    this.news = new long[count];
    this.inEnd = Math.min(count, end.used);
    this.areas = Math.ceilDiv(count - inEnd, layout.exceptionsPerArea());
    this.lowest = end;
  }

  void start() {
    end.copy(end.used, inEnd, old, news, 0);
    readAhead();
  }

  /** The lowest area that was read. */
  StoreArea lowest() {
    return lowest;
  }

  /** The exceptions read. Call it once, without the lock, since sorting takes milliseconds. */
  MergeBatch batch() {
    return new MergeBatch(old, news, old.length);
  }

  private void readAhead() {
    int most =
        Math.max(1, Math.min(StoreScan.MAX_AHEAD, StoreScan.AHEAD_BYTES / layout.chunkBytes()));
    while (failure == null && issued < areas && reading < most) {
      int back = ++issued;
      ByteBuffer content =
          spare.isEmpty() ? ByteBuffer.allocateDirect(layout.chunkBytes()) : spare.remove();
      reading++;
      lock.submit(
          cow,
          Io.read(
              layout.sector(layout.areaChunk(end.number - back)),
              content,
              lock.locked(error -> read(back, content, error))));
    }
    if (reading == 0) {
      done.read(failure == null ? this : null, failure);
    }
  }

  /** The area {@code back} areas before the last one; it must be full. */
  private void read(int back, ByteBuffer content, @Nullable IoError error) {
    reading--;
    if (error == null) {
      int full = layout.exceptionsPerArea();
      StoreArea area = new StoreArea(layout, end.number - back, content, full);
      int at = inEnd + (back - 1) * full;
      area.copy(full, Math.min(full, old.length - at), old, news, at);
      if (back == areas) {
        lowest = area;
      } else {
        spare.add(content);
      }
    } else if (failure == null) {
      failure = error;
    }
    readAhead();
  }
}
