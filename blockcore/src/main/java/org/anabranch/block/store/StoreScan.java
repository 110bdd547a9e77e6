// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/**
 * Reads a persistent store's list of exceptions, area by area, and checks it. Writes nothing.
 *
 * <p>Areas lie far apart and need one small read each, and only a full area shows that there is
 * another one. So reads are issued ahead, more of them the longer the list turns out to be, at most
 * {@link #MAX_AHEAD} reads and {@link #AHEAD_BYTES} bytes.
 *
 * <p>An exception is wrong if its data is beyond the end of the COW device, in a metadata chunk or
 * at the place of another exception's data, or if its chunk is beyond the origin's end or already
 * has an exception. A list that continues beyond the end of the device was truncated.
 */
public final class StoreScan {
  /** Receives the content of the store, in the order of the list, one call at a time. */
  public interface Visitor {
    /** Records from {@code record} on in {@code area} that form a run in both numberings. */
    default void run(long area, int record, long old, long newChunk, int count) {}

    /** The record is wrong, and is not in the table. */
    void problem(long area, int record, String what);
  }

  /**
   * The end of the list.
   *
   * @param area the area that contains the end
   * @param used number of its records on the list
   * @param content the area, as read
   * @param stale whether this area has something after the end
   * @param behindNew the chunk after the highest one with data
   */
  public record End(long area, int used, ByteBuffer content, boolean stale, long behindNew) {}

  static final int MAX_AHEAD = 64;
  static final int AHEAD_BYTES = 8 << 20;

  private final BlockDevice cow;
  private final StoreLayout layout;
  private final long cowChunks;
  private final long originChunks;
  private final Visitor visitor;
  private final CompletableFuture<End> end = new CompletableFuture<>();
  private final DeferringLock lock = new DeferringLock();

  // All fields below are guarded by lock.
  private final RunSorter sorter;
  private final ChunkSet taken = new ChunkSet();

  /** The next area to examine, and the next one to read. */
  private long next;

  private long issued;

  /** Areas that were read before a preceding one. */
  private final Map<Long, ByteBuffer> arrived = new HashMap<>();

  private final ArrayDeque<ByteBuffer> spare = new ArrayDeque<>();
  private int reading;
  private int mostAhead = 2;
  private long behindNew = 2;
  private @Nullable Runnable outcome;

  /**
   * A scan of {@code cow}.
   *
   * @param originSectors length of the origin, or Long.MAX_VALUE if unknown
   * @param table receives the correct exceptions
   */
  public StoreScan(
      BlockDevice cow,
      StoreLayout layout,
      long originSectors,
      ExceptionTable table,
      Visitor visitor) {
    this.cow = cow;
    this.layout = layout;
    this.cowChunks = layout.chunksIn(cow.sectors());
    this.originChunks = (originSectors - 1) / layout.chunkSectors() + 1;
    this.sorter = new RunSorter(table, visitor);
    this.visitor = visitor;
  }

  /** Reads to the end of the list; fails with a {@link StoreException} if a read fails. */
  public CompletionStage<End> scan() {
    lock.run(this::readAhead);
    return end;
  }

  private void readAhead() {
    int most = Math.max(1, Math.min(mostAhead, AHEAD_BYTES / layout.chunkBytes()));
    while (outcome == null && issued - next < most) {
      long chunk = layout.areaChunk(issued);
      if (chunk >= cowChunks) {
        if (issued == next) {
          fail(
              "the list goes on in area %d at chunk %d, beyond the end of %s at chunk %d"
                  .formatted(issued, chunk, cow.name(), cowChunks));
        }
        break;
      }
      long index = issued++;
      ByteBuffer content = spare.isEmpty() ? newArea() : spare.remove();
      reading++;
      lock.submit(
          cow,
          Io.read(
              layout.sector(chunk), content, lock.locked(error -> read(index, content, error))));
    }
    if (outcome != null && reading == 0) {
      lock.after(outcome);
    }
  }

  private ByteBuffer newArea() {
    return ByteBuffer.allocateDirect(layout.chunkBytes()).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void read(long index, ByteBuffer content, @Nullable IoError error) {
    reading--;
    if (outcome == null && error != null) {
      fail(
          "can't read area %d at chunk %d: %s"
              .formatted(index, layout.areaChunk(index), error.message()));
    }
    arrived.put(index, content);
    while (outcome == null && arrived.containsKey(next)) {
      take(Objects.requireNonNull(arrived.remove(next)));
    }
    readAhead();
  }

  private void take(ByteBuffer content) {
    int used = takeRecords(content);
    if (used < layout.exceptionsPerArea()) {
      sorter.insertAll();
      End found = new End(next, used, content, isStale(content, used), behindNew);
      outcome = () -> end.complete(found);
    } else {
      spare.add(content);
      mostAhead = Math.min(2 * mostAhead, MAX_AHEAD);
      next++;
    }
  }

  private int takeRecords(ByteBuffer content) {
    int most = layout.exceptionsPerArea();
    int used = 0;
    while (used < most) {
      long old = content.getLong(used * StoreLayout.RECORD_BYTES);
      long newChunk = content.getLong(used * StoreLayout.RECORD_BYTES + 8);
      if (newChunk == 0) {
        break;
      }
      int count = 1;
      while (used + count < most
          && content.getLong((used + count) * StoreLayout.RECORD_BYTES) == old + count
          && content.getLong((used + count) * StoreLayout.RECORD_BYTES + 8) == newChunk + count) {
        count++;
      }
      takeRun(used, old, newChunk, count);
      used += count;
    }
    return used;
  }

  private void takeRun(int record, long old, long newChunk, int count) {
    visitor.run(next, record, old, newChunk, count);
    boolean good = true;
    for (int i = 0; i < count; i++) {
      String wrong = wrong(old + i, newChunk + i);
      if (wrong != null) {
        visitor.problem(next, record + i, wrong);
        good = false;
      } else {
        behindNew = Math.max(behindNew, newChunk + i + 1);
      }
    }
    if (good) {
      sorter.add(next, record, old, newChunk, count);
    }
  }

  private @Nullable String wrong(long old, long newChunk) {
    if (newChunk < 0 || newChunk >= cowChunks) {
      return "data at chunk %s, beyond the end of %s at chunk %d"
          .formatted(Long.toUnsignedString(newChunk), cow.name(), cowChunks);
    }
    if (newChunk >= ExceptionTable.NEW_CHUNK_LIMIT) {
      return "data at chunk " + newChunk + ", which is too far";
    }
    if (layout.isMetadata(newChunk)) {
      return "data at chunk " + newChunk + ", which is metadata";
    }
    if (old < 0 || old >= originChunks) {
      return "an exception for chunk %s, beyond the origin's end at chunk %d"
          .formatted(Long.toUnsignedString(old), originChunks);
    }
    if (!taken.add(newChunk)) {
      return "data at chunk " + newChunk + ", where another exception's data is";
    }
    return null;
  }

  private static boolean isStale(ByteBuffer content, int used) {
    for (int at = used * StoreLayout.RECORD_BYTES; at < content.capacity(); at += 8) {
      if (content.getLong(at) != 0) {
        return true;
      }
    }
    return false;
  }

  private void fail(String message) {
    outcome = () -> end.completeExceptionally(new StoreException(message));
  }
}
