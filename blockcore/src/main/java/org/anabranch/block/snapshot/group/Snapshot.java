// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.ArrayDeque;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Extendable;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.block.snapshot.SnapshotCounter;
import org.anabranch.block.snapshot.SnapshotLatency;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.block.snapshot.SnapshotStatus.State;
import org.anabranch.block.store.ExceptionStore;
import org.anabranch.block.store.ExceptionStore.Allocation;
import org.anabranch.block.store.ExceptionTable;
import org.anabranch.block.store.Extent;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The state of one COW store in use: the store, its exceptions, those pending, and the requests
 * that they must wait for. It has one owner at a time. A {@link Handover} passes it on unchanged,
 * without effect on requests in flight.
 *
 * <p>All of it is guarded by the group's lock, and all methods are called with the lock held.
 */
final class Snapshot {
  private static final Logger LOG = LoggerFactory.getLogger(Snapshot.class);

  /** The largest number of bytes copied as one exception, unless a chunk is larger. */
  private static final int MAX_COPY = 1 << 20;

  /** An event is raised each time another such part of the store is in use. */
  private static final int USAGE_STEPS = 20;

  final OriginGroup group;
  final BlockDevice cow;
  final ExceptionStore store;
  final TrackedIos tracked;

  /** Chunk size as a shift: sector to chunk. */
  final int shift;

  ExceptionTable table;
  boolean valid;
  boolean overflowed;

  /**
   * Whether the origin is read as its merge makes it read, see {@link MergedOrigin}. Ends with that
   * merge.
   */
  boolean followsMerge;

  /** The target that has this snapshot. */
  CowTarget owner;

  private final DeferringLock lock;
  private final Extent extent = new Extent();

  /** By first old chunk; they do not overlap. */
  private final TreeMap<Long, PendingException> pending = new TreeMap<>();

  /** The exceptions that are not committed, in the order of allocation. */
  private final ArrayDeque<PendingException> uncommitted = new ArrayDeque<>();

  /** Open when the invalidation is durable; null while the snapshot is valid. */
  private @Nullable Gate invalidation;

  /** Opens when nothing is pending; null if nobody waits for that. */
  private @Nullable Gate idle;

  /** Opens when the COW device was extended or could not be; null if nobody waits for that. */
  private @Nullable Gate room;

  /** Whether the COW device may still be extended. */
  private boolean hasMoreRoom = true;

  /** Whether the store is marked as invalid, or the attempt to mark it is over. */
  private boolean marked;

  /**
   * Whether the invalidity is recorded nowhere. A restart would find the snapshot valid, so the
   * origin must not change.
   */
  private boolean unkept;

  private long usageStep;

  Snapshot(
      OriginGroup group,
      BlockDevice cow,
      ExceptionStore store,
      ExceptionTable table,
      boolean valid,
      CowTarget owner) {
    this.group = group;
    this.cow = cow;
    this.store = store;
    this.table = table;
    this.valid = valid;
    this.owner = owner;
    this.lock = group.lock;
    this.tracked = new TrackedIos(lock);
    this.shift = Integer.numberOfTrailingZeros(store.chunkSectors());
    if (!valid) {
      invalidation = new Gate(lock);
      invalidation.open();
      marked = true;
    }
    usageStep = step();
  }

  /**
   * Makes sure that the snapshot has copies of sectors that are about to change on the origin.
   *
   * @param mayBegin whether copies may be started; if not, but some must be, the result is {@link
   *     OriginGroup#NO_SLOT}
   * @return what to wait for before the origin may change; null if nothing; {@link
   *     OriginGroup#REFUSED} if it must not change
   */
  @Nullable Gate copyOut(long sector, long sectors, boolean mayBegin) {
    if (unkept) {
      return OriginGroup.REFUSED;
    } else if (!valid) {
      return invalidation == null || invalidation.isOpen() ? null : invalidation;
    } else if (followsMerge && group.merging() == null) {
      return OriginGroup.REFUSED;
    }
    long end = Math.min(sector + sectors, owner.end());
    long endChunk = ((end - 1) >> shift) + 1;
    Gate waitFor = null;
    Gate begun = null;
    for (long chunk = sector >> shift; sector < end && chunk < endChunk; ) {
      PendingException found = pendingAt(chunk);
      if (found != null) {
        waitFor = found.originFree;
        chunk = found.end();
        continue;
      }
      table.lookup(chunk, extent);
      long until = Math.min(Math.min(chunk + extent.length(), nextPending(chunk)), endChunk);
      if (extent.mapped() || owner.leaving()) {
        chunk = until;
        continue;
      }
      if (!mayBegin) {
        return OriginGroup.NO_SLOT;
      }
      PendingException mine = begin(chunk, until - chunk);
      if (mine == null) {
        Gate room = room();
        return room == null ? invalidate(Invalidation.STORE_FULL) : room;
      }
      copy(mine);
      begun = mine.originFree;
      chunk = mine.end();
    }
    return begun == null ? waitFor : begun;
  }

  /** Whether sectors can't change on the origin yet, because a copy of them is missing here. */
  boolean lacksCopy(long sector, long sectors) {
    if (!valid) {
      return invalidation != null && !invalidation.isOpen();
    }
    return lacksException(sector, Math.min(sector + sectors, owner.end()), true);
  }

  /** Whether the origin must not change at all, see {@link OriginGroup#REFUSED}. */
  boolean refusesChanges() {
    return unkept || (valid && followsMerge && group.merging() == null);
  }

  /** Whether a write here would wait for an exception. */
  boolean delaysWrite(long sector, long sectors) {
    return valid && !overflowed && lacksException(sector, sector + sectors, true);
  }

  /** Whether writes are taken, and all chunks of these have an exception, or a pending one. */
  boolean hasAccepted(long sector, long sectors) {
    return valid && !overflowed && !lacksException(sector, sector + sectors, false);
  }

  /**
   * Whether a chunk has no exception.
   *
   * @param committed whether one that is pending does not count
   */
  private boolean lacksException(long sector, long end, boolean committed) {
    long endChunk = ((end - 1) >> shift) + 1;
    for (long chunk = sector >> shift; sector < end && chunk < endChunk; ) {
      PendingException found = pendingAt(chunk);
      if (found != null && committed) {
        return true;
      }
      if (found == null) {
        table.lookup(chunk, extent);
        if (!extent.mapped()) {
          return !owner.leaving();
        }
      }
      chunk = found == null ? Math.min(chunk + extent.length(), nextPending(chunk)) : found.end();
    }
    return false;
  }

  /** The pending exception that contains the chunk, or null. */
  @Nullable PendingException pendingAt(long chunk) {
    if (pending.isEmpty()) {
      return null;
    }
    Map.Entry<Long, PendingException> floor = pending.floorEntry(chunk);
    return floor != null && chunk < floor.getValue().end() ? floor.getValue() : null;
  }

  /** The first chunk after {@code chunk} that has a pending exception. */
  long nextPending(long chunk) {
    Long next = pending.isEmpty() ? null : pending.higherKey(chunk);
    return next == null ? Long.MAX_VALUE : next;
  }

  /** Allocates an exception for up to {@code most} chunks from {@code old} on; null if full. */
  @Nullable PendingException begin(long old, long most) {
    int atOnce = Math.max(1, MAX_COPY >> 9 >> shift);
    Allocation allocation = store.allocate((int) Math.min(most, atOnce));
    if (allocation == null) {
      return null;
    }
    PendingException begun = new PendingException(lock, old, allocation, now());
    pending.put(old, begun);
    uncommitted.add(begun);
    long step = step();
    if (step > usageStep) {
      lock.after(owner::event);
    }
    usageStep = step; // it decreases when the device grows
    return begun;
  }

  /**
   * Called after {@link #begin} found the store full. The gate opens when an extendable device was
   * extended, or could not be; then try again. Null if it cannot be extended.
   */
  @Nullable Gate room() {
    if (room == null && hasMoreRoom && cow instanceof Extendable device) {
      owner.counters.increment(SnapshotCounter.STORE_EXTENSIONS);
      Gate gate = new Gate(lock);
      room = gate;
      long full = cow.sectors();
      lock.after(() ->
          device
              .extendBeyond(full)
              .whenComplete((extended, failure) ->
                  lock.run(() -> {
                    room = null;
                    hasMoreRoom = failure == null && extended;
                    gate.open();
                  })));
    }
    return room;
  }

  /** Fills a new exception from the origin. */
  void copy(PendingException exception) {
    group.slots.begin();
    BlockDevice source = Objects.requireNonNull(group.source(this));
    long from = exception.old << shift;
    long to = exception.allocation.newChunk() << shift;
    long sectors =
        Math.min((long) exception.allocation.count() << shift, group.origin.sectors() - from);
    store.whenWritable(
        exception.allocation,
        () ->
            group.copier.copy(
                source,
                from,
                cow,
                to,
                sectors,
                (readError, writeError) ->
                    lock.run(() ->
                        copied(exception, sectors, readError == null && writeError == null))));
  }

  private void copied(PendingException exception, long sectors, boolean good) {
    if (good) {
      owner.counters.add(SnapshotCounter.COW_COPIES, exception.allocation.count());
      owner.counters.add(SnapshotCounter.COW_COPIED_BYTES, sectors << 9);
    }
    filled(exception, good);
  }

  /**
   * Fills a new exception with a write to exactly its chunks, and completes the write at the end.
   */
  void fill(PendingException exception, Io io) {
    group.slots.begin();
    exception.filling = io;
    io.push((filled, error) -> lock.run(() -> writeFilled(exception, error == null)));
    io.remap(exception.allocation.newChunk() << shift);
    store.whenWritable(exception.allocation, () -> cow.submit(io));
  }

  private void writeFilled(PendingException exception, boolean good) {
    if (good) {
      owner.counters.add(SnapshotCounter.WRITE_FILLED_CHUNKS, exception.allocation.count());
    }
    filled(exception, good);
  }

  private void filled(PendingException exception, boolean good) {
    group.slots.end();
    exception.filled = true;
    exception.good = good;
    for (PendingException first; (first = uncommitted.peek()) != null && first.filled; ) {
      uncommitted.remove();
      PendingException next = first;
      store.commit(next.old, next.allocation, next.good, valid -> committed(next, valid));
    }
  }

  private void committed(PendingException exception, boolean storeValid) {
    if (storeValid) {
      owner.latencies.record(SnapshotLatency.EXCEPTION, now() - exception.begun);
    } else {
      invalidate(Invalidation.STORE_FAILED);
    }
    long count = exception.allocation.count();
    if (valid && !table.insert(exception.old, exception.allocation.newChunk(), count)) {
      throw new IllegalStateException("two exceptions for a chunk of " + exception.old);
    }
    if (exception.filling != null) {
      if (valid) {
        lock.complete(exception.filling, null);
      } else {
        fail(exception.filling);
      }
    }
    exception.committed.open();
    long last = exception.end() - 1;
    tracked.whenDrained(
        (from, to) -> from <= last && exception.old <= to, () -> drained(exception));
  }

  private void drained(PendingException exception) {
    pending.remove(exception.old);
    if (invalidation == null) {
      exception.originFree.open();
    } else {
      invalidation.await(() -> lock.run(exception.originFree::open));
    }
    if (pending.isEmpty() && idle != null) {
      idle.open();
      idle = null;
    }
  }

  /** Whether exceptions are pending. */
  boolean hasPending() {
    return !pending.isEmpty();
  }

  /** Opens when no exception is pending. */
  Gate idle() {
    if (idle == null) {
      idle = new Gate(lock);
    }
    Gate gate = idle;
    if (pending.isEmpty()) {
      gate.open();
      idle = null;
    }
    return gate;
  }

  /**
   * Invalidates the snapshot: from now on it returns only errors.
   *
   * @param reason for the log
   * @return opens when that is durable, in the store or in {@link InvalidStores}, or failed to be
   *     recorded, and when no earlier read of the origin is in flight. Only then may the origin
   *     change where the snapshot has no copy
   */
  Gate invalidate(Invalidation reason) {
    if (invalidation == null) {
      LOG.warn("{}: {}", cow.name(), reason);
      owner.counters.increment(SnapshotCounter.INVALIDATIONS);
      valid = false;
      table = new ExceptionTable();
      if (owner.merges()) {
        group.mergeLost();
      }
      Gate gate = new Gate(lock);
      invalidation = gate;
      store.invalidate(error -> {
        if (error == null) {
          marked(gate);
        } else {
          lock.after(() -> keep(gate));
        }
      });
    }
    return invalidation;
  }

  /** Called if the store could not be marked as invalid. Without the lock. */
  private void keep(Gate gate) {
    group
        .invalidStores
        .add(cow)
        .whenComplete((kept, failure) ->
            lock.run(() -> {
              if (failure != null) {
                unkept = true;
                LOG.error(
                    "{}: that it is invalid can't be kept: its origin takes no writes until the"
                        + " snapshot is removed",
                    cow.name(),
                    failure);
              }
              marked(gate);
            }));
  }

  private void marked(Gate gate) {
    marked = true;
    lock.after(owner::event);
    tracked.whenDrained((first, last) -> true, gate::open);
  }

  /** Fails a request to an invalid snapshot once the invalidation is durable. */
  void fail(Io io) {
    settled(() -> io.complete(owner.invalidError()));
  }

  /** Runs {@code then} without the lock once no invalidation is in progress. */
  void settled(Runnable then) {
    if (invalidation == null) {
      lock.after(then);
    } else {
      invalidation.await(then);
    }
  }

  /** Keeps the snapshot readable, but refuses writes from now on. */
  void overflow() {
    if (!overflowed) {
      LOG.warn("{}: Snapshot overflowed: Unable to allocate exception.", cow.name());
      owner.counters.increment(SnapshotCounter.OVERFLOWS);
      overflowed = true;
      lock.after(owner::event);
    }
  }

  /**
   * The state, except for what a merge adds. It is invalid only if a restart would find it so, too.
   */
  SnapshotStatus status() {
    ExceptionStore.Usage usage = store.usage();
    State state = marked ? State.INVALID : overflowed ? State.OVERFLOWED : State.VALID;
    return new SnapshotStatus(state, usage.allocated(), usage.total(), usage.metadata());
  }

  IoError full() {
    return IoError.of(IoError.Kind.NO_SPACE, "the COW store on " + cow.name() + " is full");
  }

  private long now() {
    return owner.context.scheduler().nanoTime();
  }

  private long step() {
    ExceptionStore.Usage usage = store.usage();
    return usage.total() == 0 ? 0 : usage.allocated() * USAGE_STEPS / usage.total();
  }
}
