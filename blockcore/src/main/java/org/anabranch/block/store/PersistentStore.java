// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Exceptions on disk, in Linux's format ({@link StoreLayout}).
 *
 * <dl>
 *   <dt>When is an exception durable?
 *   <dd>When the record in its area is: the data is written, the COW device flushed, the records
 *       written with FUA. Records wait for each other: they are written when no allocated chunk is
 *       still being filled, or when the area is full.
 *   <dt>What if the power fails between two areas?
 *   <dd>The next area is zeroed, and that is durable, before the full one is written; so the list
 *       ends there at every moment. A new store's first area likewise, before its header.
 *   <dt>What if an area is written in part?
 *   <dd>Records behind the first one that is missing are not on the list. They are wiped before the
 *       list grows again, or it would run into them.
 *   <dt>What if a copy or a write of metadata fails?
 *   <dd>The store is no longer valid: nothing is written to it but, if that works, the header that
 *       says so.
 *   <dt>How does a merge shorten the list?
 *   <dd>From its end, by one write to the area that the new end is in, however many areas are cut
 *       off. What is in those is never looked at again: before the list grows into an area, that
 *       area is zeroed.
 * </dl>
 *
 * <p>Limits: {@link StoreLayout#MOST_CHUNK_SECTORS}; 2^48 chunks. The device may grow at any time.
 */
public final class PersistentStore implements ExceptionStore {
  private static final Logger LOG = LoggerFactory.getLogger(PersistentStore.class);
  private static final int PAGE = 4096;
  private static final int INVALIDATE_ATTEMPTS = 3;

  private record Commit(long old, Allocation allocation, Done done) {}

  private final BlockDevice cow;
  private final DeferringLock lock;
  private final boolean overflows;

  // All below guarded by lock.
  private StoreLayout layout;
  private boolean valid = true;

  /** The next chunk for data; never a metadata chunk. */
  private long nextFree = 2;

  /** Whether a merge began: then usage counts what is on the list, not what was allocated. */
  private boolean merging;

  /** The area that the list ends in, how many of its records are on the list, and its content. */
  private long area;

  private int used;
  private ByteBuffer content;

  /** Whether the disk may hold something behind the list's end in {@link #area}. */
  private boolean stale;

  /** Exceptions allocated that are not on the list yet. */
  private long uncommitted;

  /** Commits that wait for {@link #writing} to end or for others to come, in order. */
  private final ArrayDeque<Commit> waiting = new ArrayDeque<>();

  /** Records of the first waiting commit that are in {@link #content} already. */
  private int firstTaken;

  private long waitingRecords;
  private boolean writing;

  /** The lowest area that {@link #prepareMerge} read, and its number; null before. */
  private @Nullable ByteBuffer lowContent;

  private long lowArea;

  /**
   * A store on {@code cow}, not loaded yet.
   *
   * @param layout for a new store; an existing one's header decides
   * @param overflows type {@code PO} instead of {@code P}
   */
  public PersistentStore(
      BlockDevice cow, DeferringLock lock, StoreLayout layout, boolean overflows) {
    this.cow = cow;
    this.lock = lock;
    this.layout = layout;
    this.overflows = overflows;
    this.content = ByteBuffer.allocateDirect(0);
  }

  @Override
  public String type() {
    return overflows ? "PO" : "P";
  }

  @Override
  public boolean overflows() {
    return overflows;
  }

  @Override
  public int chunkSectors() {
    return layout.chunkSectors();
  }

  @Override
  public CompletionStage<Boolean> load(ExceptionTable table, long originSectors) {
    return new PersistentLoad(cow, layout, table, originSectors)
        .load()
        .thenApply(
            loaded -> {
              layout = loaded.layout();
              valid = loaded.valid();
              area = loaded.end().area();
              used = loaded.end().used();
              stale = loaded.end().stale();
              nextFree = layout.skipMetadata(loaded.end().behindNew());
              content = loaded.end().content().order(ByteOrder.LITTLE_ENDIAN);
              wipe(content, used);
              return valid;
            });
  }

  @Override
  public @Nullable Allocation allocate(int most) {
    lock.checkHeld();
    long end = Math.min(layout.chunksIn(cow.sectors()), ExceptionTable.NEW_CHUNK_LIMIT);
    int perArea = layout.exceptionsPerArea();
    long count = Math.min(most, Math.min(end, layout.nextMetadata(nextFree)) - nextFree);
    // The record that fills an area needs the next one: without it the list would have no end.
    long records = used + uncommitted;
    long lastArea = area + (records + count) / perArea;
    if (layout.areaChunk(lastArea) >= end) {
      long fits = (end - 2) / (perArea + 1) + 1; // areas on the device
      count = Math.min(count, (fits - area) * perArea - 1 - records);
    }
    if (count <= 0) {
      return null;
    }
    Allocation allocation = new Allocation(nextFree, (int) count);
    nextFree = layout.skipMetadata(nextFree + count);
    uncommitted += count;
    return allocation;
  }

  @Override
  public void commit(long old, Allocation allocation, boolean copied, Done done) {
    lock.checkHeld();
    if (!copied) {
      valid = false;
    }
    waiting.add(new Commit(old, allocation, done));
    waitingRecords += allocation.count();
    writeIfDue();
  }

  private void writeIfDue() {
    if (writing || waiting.isEmpty()) {
      return;
    }
    if (!valid) {
      failWaiting();
      return;
    }
    boolean moreToCome = waitingRecords < uncommitted;
    if (moreToCome && used + waitingRecords < layout.exceptionsPerArea()) {
      return;
    }
    writing = true;
    int from = used;
    List<Done> done = new ArrayList<>();
    while (used < layout.exceptionsPerArea() && !waiting.isEmpty()) {
      takeRecords(done);
    }
    if (stale) {
      // The same records again, and zeros behind them; durable before a record follows.
      ByteBuffer clean = copyOf(content);
      wipe(clean, from);
      int start = pageOf(from);
      ByteBuffer wiped = slice(clean, start, clean.capacity());
      write(layout.areaChunk(area), wiped, start, false, e -> zeroNext(e, from, done));
    } else {
      zeroNext(null, from, done);
    }
  }

  /** Zeroes the area behind one that is full; the flush that follows makes that durable. */
  private void zeroNext(@Nullable IoError error, int from, List<Done> done) {
    if (error == null && used == layout.exceptionsPerArea()) {
      ByteBuffer zeros = ByteBuffer.allocateDirect(layout.chunkBytes());
      write(layout.areaChunk(area + 1), zeros, 0, false, e -> flush(e, from, done));
    } else {
      flush(error, from, done);
    }
  }

  /** Moves records from the first waiting commit to the area, as many as fit. */
  private void takeRecords(List<Done> done) {
    Commit commit = waiting.element();
    Allocation allocation = commit.allocation;
    while (firstTaken < allocation.count() && used < layout.exceptionsPerArea()) {
      content.putLong(used * StoreLayout.RECORD_BYTES, commit.old + firstTaken);
      content.putLong(used * StoreLayout.RECORD_BYTES + 8, allocation.newChunk() + firstTaken);
      used++;
      firstTaken++;
      waitingRecords--;
      uncommitted--;
    }
    if (firstTaken == allocation.count()) {
      waiting.remove();
      firstTaken = 0;
      done.add(commit.done);
    }
  }

  private void flush(@Nullable IoError error, int from, List<Done> done) {
    if (error != null) {
      written(error, done);
      return;
    }
    lock.submit(
        cow,
        Io.flush(
            lock.locked(
                flushError -> {
                  if (flushError != null) {
                    written(flushError, done);
                  } else {
                    stale = false;
                    int start = pageOf(from);
                    ByteBuffer records = slice(content, start, pageEnd(used));
                    write(layout.areaChunk(area), records, start, true, e -> written(e, done));
                  }
                })));
  }

  private void written(@Nullable IoError error, List<Done> done) {
    if (error != null) {
      LOG.error("{}: can't write exceptions of area {}: {}", cow.name(), area, error.message());
      valid = false;
    }
    if (used == layout.exceptionsPerArea()) {
      area++;
      used = 0;
      wipe(content, 0);
      stale = false;
    }
    writing = false;
    boolean good = valid;
    done.forEach(each -> each.committed(good));
    writeIfDue();
  }

  private void failWaiting() {
    List<Commit> failed = List.copyOf(waiting);
    waiting.clear();
    uncommitted -= waitingRecords;
    waitingRecords = 0;
    firstTaken = 0;
    failed.forEach(commit -> commit.done.committed(false));
  }

  @Override
  public void invalidate(Runnable done) {
    lock.checkHeld();
    valid = false;
    invalidate(done, 1);
    writeIfDue();
  }

  /** Each attempt writes the header afresh, so one that follows a failed flush proves something. */
  private void invalidate(Runnable done, int attempt) {
    ByteBuffer header =
        new StoreLayout.Header(
                StoreLayout.MAGIC, 0, StoreLayout.VERSION, layout.chunkSectors())
            .write();
    write(
        0,
        header,
        0,
        true,
        error -> {
          if (error != null && attempt < INVALIDATE_ATTEMPTS) {
            invalidate(done, attempt + 1);
            return;
          }
          if (error != null) {
            LOG.error("{}: can't mark the store as invalid: {}", cow.name(), error.message());
          }
          done.run();
        });
  }

  @Override
  public boolean canMerge() {
    return true;
  }

  @Override
  public void prepareMerge(int most, Prepared prepared) {
    lock.checkHeld();
    if (uncommitted > 0 || writing) {
      throw new IllegalStateException("merge while exceptions are being made");
    }
    int count = (int) Math.min(Math.max(1, most), exceptions());
    if (count == 0) {
      prepared.prepared(null, null);
      return;
    }
    long[] old = new long[count];
    long[] news = new long[count];
    int here = Math.min(count, used);
    takeBack(content, used, here, old, news, 0);
    lowContent = content;
    lowArea = area;
    readBack(old, news, here, prepared);
  }

  /** Goes on, from area to area backwards, until both arrays are full. */
  private void readBack(long[] old, long[] news, int got, Prepared prepared) {
    if (got == old.length) {
      prepared.prepared(new MergeBatch(old, news, got), null);
      return;
    }
    long index = lowArea - 1;
    readArea(
        index,
        (buffer, error) -> {
          if (buffer == null) {
            prepared.prepared(null, error);
            return;
          }
          int here = Math.min(old.length - got, layout.exceptionsPerArea());
          takeBack(buffer, layout.exceptionsPerArea(), here, old, news, got);
          lowContent = buffer;
          lowArea = index;
          readBack(old, news, got + here, prepared);
        });
  }

  /** Takes {@code count} records in front of {@code end} to {@code at} in the arrays. */
  private static void takeBack(
      ByteBuffer area, int end, int count, long[] old, long[] news, int at) {
    for (int i = 0; i < count; i++) {
      int record = (end - count + i) * StoreLayout.RECORD_BYTES;
      old[at + i] = area.getLong(record);
      news[at + i] = area.getLong(record + 8);
    }
  }

  @Override
  public void commitMerge(int count, Committed done) {
    lock.checkHeld();
    long left = exceptions() - count;
    if (count < 1 || left < 0 || uncommitted > 0 || writing) {
      throw new IllegalStateException(count + " of " + exceptions() + " exceptions");
    }
    long newArea = left / layout.exceptionsPerArea();
    ByteBuffer low = lowContent;
    if (newArea == area) {
      cut(newArea, content, (int) (left % layout.exceptionsPerArea()), done);
    } else if (low != null && lowArea == newArea) {
      cut(newArea, low, (int) (left % layout.exceptionsPerArea()), done);
    } else {
      readArea(
          newArea,
          (buffer, error) -> {
            if (buffer == null) {
              done.committed(error);
            } else {
              cut(newArea, buffer, (int) (left % layout.exceptionsPerArea()), done);
            }
          });
    }
  }

  /** Ends the list behind {@code newUsed} records of an area, durably. */
  private void cut(long newArea, ByteBuffer asRead, int newUsed, Committed done) {
    int behind = newArea == area && !stale ? used : layout.exceptionsPerArea();
    ByteBuffer newContent = copyOf(asRead);
    wipe(newContent, newUsed);
    writing = true;
    int start = pageOf(newUsed);
    ByteBuffer wiped = slice(newContent, start, pageEnd(behind));
    write(
        layout.areaChunk(newArea),
        wiped,
        start,
        true,
        error -> {
          writing = false;
          if (error == null) {
            merging = true;
            stale = false;
            lowContent = null;
            area = newArea;
            content = newContent;
            used = newUsed;
          } else {
            // What the disk says now is unknown: nothing may be added to the list.
            valid = false;
          }
          done.committed(error);
        });
  }

  @Override
  public long exceptions() {
    return area * layout.exceptionsPerArea() + used;
  }

  @Override
  public Usage usage() {
    long free = merging ? layout.areaChunk(area) + used + 1 : nextFree;
    return new Usage(layout.sector(free), cow.sectors(), layout.sector(area + 2));
  }

  private interface AreaRead {
    void read(@Nullable ByteBuffer content, @Nullable IoError error);
  }

  private void readArea(long index, AreaRead then) {
    ByteBuffer buffer =
        ByteBuffer.allocateDirect(layout.chunkBytes()).order(ByteOrder.LITTLE_ENDIAN);
    lock.submit(
        cow,
        Io.read(
            layout.sector(layout.areaChunk(index)),
            buffer,
            lock.locked(error -> then.read(error == null ? buffer : null, error))));
  }

  private void write(long chunk, ByteBuffer data, int offset, boolean fua, Committed then) {
    long sector = layout.sector(chunk) + (offset >> 9);
    lock.submit(cow, Io.write(sector, data, fua, lock.locked(then::committed)));
  }

  private static ByteBuffer copyOf(ByteBuffer area) {
    ByteBuffer copy = ByteBuffer.allocateDirect(area.capacity()).order(ByteOrder.LITTLE_ENDIAN);
    return copy.put(0, area, 0, area.capacity());
  }

  private static ByteBuffer slice(ByteBuffer area, int start, int end) {
    return area.slice(start, end - start);
  }

  /** Where the page that holds a record begins in its area. */
  private static int pageOf(int record) {
    return record * StoreLayout.RECORD_BYTES / PAGE * PAGE;
  }

  /** Where the page that holds the record in front of {@code end} ends in its area. */
  private int pageEnd(int end) {
    int bytes = Math.max(1, end) * StoreLayout.RECORD_BYTES;
    return Math.min((bytes + PAGE - 1) / PAGE * PAGE, layout.chunkBytes());
  }

  private static void wipe(ByteBuffer area, int from) {
    for (int at = from * StoreLayout.RECORD_BYTES; at < area.capacity(); at += 8) {
      area.putLong(at, 0);
    }
  }
}
