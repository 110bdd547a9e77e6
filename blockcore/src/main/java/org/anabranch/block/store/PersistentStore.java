// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.count.Counters;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Exceptions on disk, in Linux's format ({@link StoreLayout}).
 *
 * <dl>
 *   <dt>When is an exception durable?
 *   <dd>When its record is: the data is written, the COW device flushed, and the record written
 *       with FUA. Records are written in groups, when no allocated chunk is still being filled or
 *       when the area is full.
 *   <dt>What if the power fails between two areas?
 *   <dd>Before a full area is written, the next one is durably zeroed, so the list always ends
 *       there. In the same way, a new store's first area is zeroed before its header is written.
 *   <dt>What if an area is written in part?
 *   <dd>Records after the first missing one are not on the list. They are erased before the list
 *       grows, because it would otherwise continue into them.
 *   <dt>What if a copy or a write of metadata fails?
 *   <dd>The store becomes invalid. Nothing more is written to it except, if possible, the header
 *       that says so.
 *   <dt>How does a merge shorten the list?
 *   <dd>From its end, by one write to the area that contains the new end, however many areas are
 *       dropped. The dropped areas are zeroed afterwards, as Linux would leave them. Nothing
 *       depends on that: the list ends before them, and an area is durably zeroed before the list
 *       grows into it.
 * </dl>
 *
 * <p>Limits: {@link StoreLayout#MAX_CHUNK_SECTORS}; 2^48 chunks. The device may grow at any time.
 */
public final class PersistentStore implements ExceptionStore {
  private static final Logger LOG = LoggerFactory.getLogger(PersistentStore.class);
  private static final int INVALIDATE_ATTEMPTS = 3;

  /** So many records are made durable although more chunks are still being filled. */
  private static final int DUE_RECORDS = 512;

  /** The same for this much data. */
  private static final long DUE_SECTORS = 4 << 20 >> 9;

  /** The most areas that a batch begins. */
  private static final int MOST_AREAS = 64;

  private record Commit(long old, Allocation allocation, Done done) {}

  /** Records that are made durable together. */
  private static final class Batch {
    /** The area that the list ended in, and its records on the list at that time. */
    final StoreArea first;

    final int from;

    /** The areas behind it that have records of the batch; the last one may have none. */
    final List<StoreArea> behind = new ArrayList<>(0);

    final List<Done> done = new ArrayList<>();

    /** How many of {@link #behind} are still being written. */
    int unwritten;

    @Nullable IoError error;

    Batch(StoreArea first) {
      this.first = first;
      this.from = first.used;
    }

    int records() {
      return first.used - from + behind.stream().mapToInt(each -> each.used).sum();
    }
  }

  private final BlockDevice cow;
  private final DeferringLock lock;
  private final boolean byDefault;
  private final ZeroedAhead zeroedAhead;

  // All fields below are guarded by lock.
  private boolean overflows;
  private Counters<StoreCounter> counters = new Counters<>(StoreCounter.class);
  private StoreLayout layout;
  private boolean valid = true;

  /** The next free chunk for data; never a metadata chunk. */
  private long nextFree = 2;

  /** Whether a merge has started; the usage then counts exceptions on the list, not allocations. */
  private boolean merging;

  /** The area that contains the list's end. */
  private StoreArea area;

  /** Whether the disk may have old records after the list's end in {@link #area}. */
  private boolean stale;

  /** The number of allocated exceptions that are not on the list yet. */
  private long uncommitted;

  /** Commits waiting for {@link #writing} to end or for others to arrive, in order. */
  private final ArrayDeque<Commit> waiting = new ArrayDeque<>();

  /** Records of the first waiting commit that are already in {@link #area}. */
  private int firstTaken;

  private long waitingRecords;
  private boolean writing;

  /** The lowest area that {@link #prepareMerge} has read; null before the first call. */
  private @Nullable StoreArea lowest;

  /**
   * A store on {@code cow}, to be loaded.
   *
   * @param layout for a new store; the header of an existing one wins
   * @param byDefault whether the layout is only the default, so that the header may differ silently
   * @param overflows type {@code PO} instead of {@code P}
   */
  public PersistentStore(
      BlockDevice cow,
      DeferringLock lock,
      StoreLayout layout,
      boolean byDefault,
      boolean overflows) {
    this.cow = cow;
    this.lock = lock;
    this.layout = layout;
    this.byDefault = byDefault;
    this.overflows = overflows;
    this.zeroedAhead = new ZeroedAhead(cow, lock);
    this.area = StoreArea.empty(layout, 0);
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
  public void setOverflows(boolean newOverflows) {
    lock.checkHeld();
    overflows = newOverflows;
  }

  @Override
  public void countIn(Counters<StoreCounter> newCounters) {
    lock.checkHeld();
    counters = newCounters;
  }

  @Override
  public int chunkSectors() {
    return layout.chunkSectors();
  }

  @Override
  public CompletionStage<Boolean> load(ExceptionTable table, BlockDevice origin) {
    return new PersistentLoad(cow, layout, byDefault, table, origin)
        .load()
        .thenApply(loaded -> {
          layout = loaded.layout();
          valid = loaded.valid();
          StoreScan.End end = loaded.end();
          area = new StoreArea(layout, end.area(), end.content(), end.used());
          stale = end.stale();
          nextFree = layout.skipMetadata(end.behindNew());
          zeroedAhead.begin(layout.sector(nextFree));
          return valid;
        });
  }

  @Override
  public @Nullable Allocation allocate(int most) {
    lock.checkHeld();
    long end = Math.min(layout.chunksIn(cow.sectors()), ExceptionTable.NEW_CHUNK_LIMIT);
    int perArea = layout.exceptionsPerArea();
    long count = Math.min(most, Math.min(end, layout.nextMetadata(nextFree)) - nextFree);
    // The record that fills an area needs the next area, which ends the list.
    long records = area.used + uncommitted;
    if (layout.areaChunk(area.number + (records + count) / perArea) >= end) {
      long areas = (end - 2) / (perArea + 1) + 1;
      count = Math.min(count, (areas - area.number) * perArea - 1 - records);
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
  public void whenWritable(Allocation allocation, Runnable then) {
    boolean isAlone = uncommitted == allocation.count();
    long sector = layout.sector(allocation.newChunk());
    long limit = layout.sector(layout.nextMetadata(allocation.newChunk()));
    zeroedAhead.whenDone(sector, layout.sector(allocation.count()), limit, isAlone, then);
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
    if (moreToCome && waitingRecords < due()) {
      return;
    }
    writing = true;
    Batch batch = new Batch(area);
    take(batch);
    if (stale) {
      // The same records, followed by zeros; durable before another record is added.
      StoreArea clean = batch.first.first(batch.from);
      write(clean, batch.from, layout.exceptionsPerArea(), false, e -> writeBehind(e, batch));
    } else {
      writeBehind(null, batch);
    }
  }

  /** How many records need not wait for more. */
  private long due() {
    return Math.clamp(DUE_SECTORS / layout.chunkSectors(), 1, DUE_RECORDS);
  }

  /** Moves records of waiting commits to the area, and to those behind it. */
  private void take(Batch batch) {
    while (true) {
      while (!area.full() && !waiting.isEmpty()) {
        takeRecords(batch.done);
      }
      if (!area.full()) {
        return;
      }
      area = StoreArea.empty(layout, area.number + 1);
      batch.behind.add(area);
      if (batch.behind.size() == MOST_AREAS) {
        return;
      }
    }
  }

  /** Moves as many records as fit from the first waiting commit to the area. */
  private void takeRecords(List<Done> done) {
    Commit commit = waiting.element();
    Allocation allocation = commit.allocation;
    while (firstTaken < allocation.count() && !area.full()) {
      area.add(commit.old + firstTaken, allocation.newChunk() + firstTaken);
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

  /**
   * Writes the areas behind a batch's first one, whole: the last one ends the list. Nobody reads
   * them before the first one is full; the flush that follows makes them durable before it is.
   */
  private void writeBehind(@Nullable IoError error, Batch batch) {
    batch.error = error;
    batch.unwritten = batch.behind.size();
    if (error != null || batch.unwritten == 0) {
      flush(batch);
      return;
    }
    for (StoreArea each : batch.behind) {
      write(
          each,
          0,
          layout.exceptionsPerArea(),
          false,
          e -> {
            batch.error = batch.error == null ? e : batch.error;
            batch.unwritten--;
            if (batch.unwritten == 0) {
              flush(batch);
            }
          });
    }
  }

  private void flush(Batch batch) {
    if (batch.error != null) {
      written(batch.error, batch);
      return;
    }
    lock.submit(cow, Io.flush(lock.locked(flushError -> writeRecords(flushError, batch))));
  }

  private void writeRecords(@Nullable IoError error, Batch batch) {
    if (error != null) {
      written(error, batch);
      return;
    }
    stale = false;
    int records = batch.records();
    write(
        batch.first,
        batch.from,
        batch.first.used,
        true,
        e -> {
          if (e == null) {
            counters.increment(StoreCounter.COMMITS);
            counters.add(StoreCounter.RECORDS, records);
          }
          written(e, batch);
        });
  }

  private void written(@Nullable IoError error, Batch batch) {
    if (error != null) {
      LOG.error(
          "{}: can't write exceptions of area {}: {}",
          cow.name(),
          batch.first.number,
          error.message());
      counters.increment(StoreCounter.FAILURES);
      valid = false;
    }
    writing = false;
    boolean good = valid;
    // First, so that its sync does not wait for the writes that these records release.
    writeIfDue();
    batch.done.forEach(each -> each.committed(good));
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
  public void invalidate(Committed done) {
    lock.checkHeld();
    valid = false;
    invalidate(done, 1);
    writeIfDue();
  }

  /** Every attempt writes the header again, so one that succeeds after a failed flush counts. */
  private void invalidate(Committed done, int attempt) {
    ByteBuffer header =
        new StoreLayout.Header(StoreLayout.MAGIC, 0, StoreLayout.VERSION, layout.chunkSectors())
            .write(512);
    Committed then =
        error -> {
          if (error != null && attempt < INVALIDATE_ATTEMPTS) {
            invalidate(done, attempt + 1);
            return;
          }
          if (error != null) {
            LOG.error("{}: can't mark the store as invalid: {}", cow.name(), error.message());
          }
          done.committed(error);
        };
    lock.submit(cow, Io.write(0, header, true, lock.locked(then::committed)));
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
    new ReadBack(cow, layout, lock, area, count, (read, error) -> readBack(read, error, prepared))
        .start();
  }

  private void readBack(@Nullable ReadBack read, @Nullable IoError error, Prepared prepared) {
    if (read == null) {
      prepared.prepared(null, error);
      return;
    }
    lowest = read.lowest();
    lock.after(() -> {
      MergeBatch batch = read.batch();
      lock.run(() -> prepared.prepared(batch, null));
    });
  }

  @Override
  public void commitMerge(int count, Committed whenDone) {
    lock.checkHeld();
    Committed done =
        error -> {
          if (error == null) {
            counters.increment(StoreCounter.MERGE_COMMITS);
            counters.add(StoreCounter.MERGED_RECORDS, count);
          }
          whenDone.committed(error);
        };
    long left = exceptions() - count;
    if (count < 1 || left < 0 || uncommitted > 0 || writing) {
      throw new IllegalStateException(count + " of " + exceptions() + " exceptions");
    }
    long number = left / layout.exceptionsPerArea();
    int used = (int) (left % layout.exceptionsPerArea());
    StoreArea low = lowest;
    if (number == area.number) {
      cut(area, used, done);
    } else if (low != null && low.number == number) {
      cut(low, used, done);
    } else {
      readArea(
          number,
          (read, error) -> {
            if (read == null) {
              done.committed(error);
            } else {
              cut(read, used, done);
            }
          });
    }
  }

  /** Durably ends the list after {@code newUsed} records of an area. */
  private void cut(StoreArea last, int newUsed, Committed done) {
    int behind = stale ? layout.exceptionsPerArea() : last.used;
    StoreArea shorter = last.first(newUsed);
    writing = true;
    write(
        shorter,
        newUsed,
        behind,
        true,
        error -> {
          if (error == null) {
            long dropped = area.number;
            merging = true;
            stale = false;
            lowest = null;
            area = shorter;
            zeroDropped(dropped, done);
          } else {
            // The content of the disk is unknown now, so the list must not grow.
            counters.increment(StoreCounter.FAILURES);
            valid = false;
            writing = false;
            done.committed(error);
          }
        });
  }

  /** Zeroes the areas from {@code last} down to the one after the list's end. */
  private void zeroDropped(long last, Committed done) {
    if (last == area.number) {
      writing = false;
      done.committed(null);
      return;
    }
    long sector = layout.sector(layout.areaChunk(last));
    Committed then =
        error -> {
          if (error != null) {
            LOG.warn(
                "{}: can't zero area {}, which is not in use: {}",
                cow.name(),
                last,
                error.message());
          }
          zeroDropped(error == null ? last - 1 : area.number, done);
        };
    lock.submit(
        cow, Io.writeZeroes(sector, layout.chunkSectors(), false, lock.locked(then::committed)));
  }

  @Override
  public long exceptions() {
    return area.number * layout.exceptionsPerArea() + area.used;
  }

  @Override
  public Usage usage() {
    long free = merging ? layout.areaChunk(area.number) + area.used + 1 : nextFree;
    return new Usage(layout.sector(free), cow.sectors(), layout.sector(area.number + 2));
  }

  private interface AreaRead {
    void read(@Nullable StoreArea area, @Nullable IoError error);
  }

  /** Reads a full area. */
  private void readArea(long number, AreaRead then) {
    ByteBuffer content = ByteBuffer.allocateDirect(layout.chunkBytes());
    int used = layout.exceptionsPerArea();
    lock.submit(
        cow,
        Io.read(
            layout.sector(layout.areaChunk(number)),
            content,
            lock.locked(error ->
                then.read(
                    error == null ? new StoreArea(layout, number, content, used) : null, error))));
  }

  /** Writes the pages with the records from {@code from} up to, but not including, {@code end}. */
  private void write(StoreArea pages, int from, int end, boolean fua, Committed then) {
    lock.submit(
        cow,
        Io.write(pages.sector(from), pages.pages(from, end), fua, lock.locked(then::committed)));
  }
}
