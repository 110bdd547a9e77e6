// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoSplit;
import org.anabranch.block.Limits;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.Latencies;
import org.anabranch.block.dm.Arguments;
import org.anabranch.block.dm.Registration;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType.Context;
import org.anabranch.block.snapshot.CowArguments;
import org.anabranch.block.snapshot.MergeCounter;
import org.anabranch.block.snapshot.MergeHandle;
import org.anabranch.block.snapshot.MergeLatency;
import org.anabranch.block.snapshot.MergeProgress;
import org.anabranch.block.snapshot.MergeSpec;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.block.store.Extent;
import org.jspecify.annotations.Nullable;

/**
 * {@code snapshot-merge} - an origin in use that is being rolled back to its snapshot.
 *
 * <pre>
 * start length snapshot-merge origin cow P|PO chunk [count discard_zeroes_cow ...]
 * </pre>
 *
 * <p><b>Arguments.</b> Those of the snapshot ({@link SnapshotTarget}). This target replaces the
 * origin's {@link OriginTarget}: whoever used the origin uses this device, and reads the snapshot's
 * content at once. Usually the store is in use by a snapshot: see {@link Handover}. An origin has
 * at most one merge.
 *
 * <p><b>Status.</b> As that of the snapshot; the store is merged when allocated = metadata. {@code
 * Merge failed} after a failure. An event is raised at the end and at a failure.
 *
 * <p><b>Messages.</b>
 *
 * <pre>
 * pause            finish the current batch and wait
 * resume           continue
 * throttle N       merge at most N bytes per second; 0 for no limit
 * batch N          merge at most N bytes at once, at least one exception
 * changed F N      as for the snapshot
 * progress         replies "STATE remaining=BYTES merged=BYTES rate=BYTES/S seconds=N waiting=WRITES"
 * </pre>
 *
 * <p><b>What happens to a chunk?</b>
 *
 * <pre>
 *   the chunk has                  read          write
 *   an exception                   COW device    COW device
 *   an exception, being merged     COW device    waits, or both devices: {@link MergeInterlock}
 *   none, or none any more         origin        origin, after other snapshots have copied it
 * </pre>
 *
 * No new exceptions are made here. Merging starts when the device is resumed ({@link Merge});
 * suspend and remove let it finish a batch. After the end this device works like an origin; the
 * table may be changed at any time.
 *
 * <p><b>Flushes</b> go to both devices as long as the store is valid. A discard turns chunks that
 * have exceptions into zeros.
 *
 * <p><b>A snapshot that follows</b> (merged_origin, see {@link MergedOrigin}) has its copies before
 * any write goes on here, and needs none for what is merged.
 *
 * <p><b>Failure modes.</b>
 *
 * <pre>
 *   the store is or becomes invalid,      everything goes to the origin: the LUN stays in service
 *     or its handover was cancelled
 *   the store was handed over             every request fails
 *   the COW device fails                  requests to it fail; other I/O continues
 *   a copy, flush or commit fails         Merge failed; other I/O continues; after a suspend and
 *                                         resume, or a reload of the table, it goes on merging
 * </pre>
 *
 * <p><b>Refuses</b> what a snapshot refuses, type {@code N}, and a second merge.
 */
final class MergeTarget extends CowTarget implements MergeHandle {
  private final SnapshotReads reads;
  private final Extent extent = new Extent(); // guarded by lock
  private final MergeListeners listeners; // guarded by lock
  final Counters<MergeCounter> mergeCounters;
  final Latencies<MergeLatency> mergeLatencies;
  private @Nullable Merge merge; // guarded by lock

  /** What the origin reads as, for snapshots that follow this merge. */
  final MergedOrigin merged = new MergedOrigin(this);

  /** Their reads. Guarded by lock. */
  private final TrackedIos views;

  // Settings of the current or the next merge. Guarded by lock.
  private boolean paused;
  private long throttle;
  private long mostBatch = Long.MAX_VALUE;

  MergeTarget(
      OriginGroup group,
      BlockDevice cow,
      CowArguments arguments,
      Context context,
      Runnable whenClosed) {
    super(group, cow, arguments, context, whenClosed);
    this.mergeCounters = context.counts().counters(MergeCounter.class);
    this.mergeLatencies = context.counts().latencies(MergeLatency.class);
    this.reads = new SnapshotReads(group, false);
    this.views = new TrackedIos(lock);
    this.listeners = new MergeListeners(lock, context.scheduler());
  }

  @Override
  boolean merges() {
    return true;
  }

  @Override
  void arrived(Snapshot snapshot) {
    snapshot.overflowed = false; // a merge needs no more room
    Merge arrived = new Merge(this, snapshot, context.scheduler());
    arrived.throttle(throttle);
    arrived.pace.batch(mostBatch);
    if (paused) {
      arrived.pause();
    }
    merge = arrived;
  }

  /** Whether nothing is left to merge. With the lock held. */
  boolean isOver() {
    return merge != null && merge.isOver();
  }

  @Override
  void departed() {
    merge = null;
  }

  @Override
  void mapHere(Io io) {
    switch (io.op()) {
      case READ, BLOCK_STATUS -> read(io);
      case WRITE, WRITE_ZEROES, DISCARD -> group.writeMerged(io, originCounters, this::write);
      case FLUSH -> flush(io);
    }
  }

  private void flush(Io io) {
    lock.enter();
    boolean originOnly = originAlone();
    lock.leave();
    if (originOnly) {
      origin.submit(io);
      return;
    }
    IoSplit split = new IoSplit(io);
    Io first = split.piece(0, 0);
    Io second = split.piece(0, 0);
    origin.submit(first);
    cow.submit(second);
    split.cut();
  }

  /** Whether nothing can be merged and all requests go to the origin. With the lock held. */
  private boolean originAlone() {
    Snapshot snapshot = snapshot();
    return snapshot == null ? cancelled() : !snapshot.valid;
  }

  private void read(Io io) {
    BlockDevice next = null;
    lock.enter();
    try {
      Snapshot snapshot = snapshot();
      if (originAlone()) {
        next = origin;
      } else if (snapshot == null) {
        lock.complete(io, invalidError());
      } else {
        next = reads.route(snapshot, io);
      }
    } finally {
      lock.leave();
    }
    if (next != null) {
      next.submit(io);
    }
  }

  /** Takes a read or block status request of {@link MergedOrigin}. No lock is held. */
  void view(Io io) {
    BlockDevice next = null;
    lock.enter();
    try {
      Snapshot snapshot = snapshot();
      if (snapshot == null || !snapshot.valid) {
        lock.complete(io, invalidError());
      } else {
        views.track(io, 0, 0);
        next = reads.route(snapshot, io);
      }
    } finally {
      lock.leave();
    }
    if (next != null) {
      next.submit(io);
    }
  }

  /** Routes a write, discard or write of zeros, possibly again. No lock is held. */
  void write(Io io) {
    lock.enter();
    try {
      Snapshot snapshot = snapshot();
      Merge mine = merge;
      if (originAlone()) {
        lock.after(() -> group.write(io, null, originCounters));
        return;
      }
      if (snapshot == null || mine == null) {
        lock.complete(io, invalidError());
        return;
      }
      long first = io.sector() >> snapshot.shift;
      long last = Math.max(io.sector(), io.end() - 1) >> snapshot.shift;
      PendingException pending = pending(snapshot, first, last);
      if (pending != null) {
        pending.committed.await(() -> write(io));
      } else if (mine.interlock.holds(io)) {
        mergeCounters.increment(MergeCounter.INTERLOCK_WAITS);
        mine.interlock.hold(io);
      } else {
        writePieces(snapshot, mine.interlock, io);
      }
    } finally {
      lock.leave();
    }
  }

  @Override
  boolean delaysWrite(Snapshot its, long sector, long sectors) {
    Merge mine = merge;
    if (group.refusesWrites()) {
      return false;
    } else if (originAlone()) {
      return group.isCopiedFirst(sector, sectors);
    }
    return mine != null
        && (group.isCopiedForFollowers(sector, sectors)
            || mine.interlock.holds(sector, sector + sectors)
            || waitsForExceptions(its, sector, sector + sectors));
  }

  /** Stores of others that are full make those invalid, and refuse no write. */
  @Override
  boolean hasAccepted(Snapshot its, long sector, long sectors) {
    return !group.refusesWrites() && (originAlone() || merge != null);
  }

  /** Whether a chunk is pending, or is the origin's, and others need a copy of it. */
  private boolean waitsForExceptions(Snapshot snapshot, long sector, long end) {
    if (pending(snapshot, sector >> snapshot.shift, (end - 1) >> snapshot.shift) != null) {
      return true;
    }
    for (long at = sector; at < end; ) {
      snapshot.table.lookup(at >> snapshot.shift, extent);
      long chunk = extent.oldChunk() + extent.length();
      long next = chunk > end >> snapshot.shift ? end : chunk << snapshot.shift;
      if (!extent.mapped() && group.isCopiedFirst(at, Math.min(next, end) - at)) {
        return true;
      }
      at = next;
    }
    return false;
  }

  /** The first uncommitted exception in a range that a write to the origin started earlier. */
  private static @Nullable PendingException pending(Snapshot snapshot, long first, long last) {
    for (long chunk = first; chunk <= last; chunk = snapshot.nextPending(chunk)) {
      PendingException pending = snapshot.pendingAt(chunk);
      if (pending != null && !pending.committed.isOpen()) {
        return pending;
      }
    }
    return null;
  }

  private void writePieces(Snapshot snapshot, MergeInterlock interlock, Io io) {
    IoSplit split = null;
    for (long done = 0; done < io.sectors(); ) {
      long sector = io.sector() + done;
      snapshot.table.lookup(sector >> snapshot.shift, extent);
      long chunk = extent.oldChunk() + extent.length();
      long end = chunk > io.end() >> snapshot.shift ? io.end() : chunk << snapshot.shift;
      if (extent.mapped()) {
        end = Math.min(end, interlock.sameUntil(sector));
      }
      long count = Math.min(end, io.end()) - sector;
      if (split == null && count < io.sectors()) {
        split = new IoSplit(io);
      }
      Io piece = split == null ? io : split.piece(done, count);
      done += count;
      if (!extent.mapped()) {
        lock.after(() -> group.write(piece, null, originCounters));
      } else {
        long to = sector + ((extent.newChunk() - extent.oldChunk()) << snapshot.shift);
        snapshot.tracked.track(
            piece, sector >> snapshot.shift, (sector + count - 1) >> snapshot.shift);
        if (interlock.wantsBoth(sector)) {
          writeBoth(interlock, piece, to);
        } else {
          lock.after(() -> writeCow(piece, to));
        }
      }
      if (split == null) {
        return;
      }
    }
    if (split != null) {
      lock.after(split::cut);
    }
  }

  private void writeCow(Io piece, long to) {
    if (piece.op() == Io.Op.DISCARD) {
      cow.submit(
          Io.writeZeroes(to, piece.sectors(), false, (zeroed, error) -> piece.complete(error)));
    } else {
      piece.remap(to);
      cow.submit(piece);
    }
  }

  /** Writes to the origin, then to the COW device: see {@link MergeInterlock}. */
  private void writeBoth(MergeInterlock interlock, Io piece, long to) {
    mergeCounters.increment(MergeCounter.MIRRORED_WRITES);
    MergeInterlock.Range range = interlock.begin(piece.sector(), piece.end());
    piece.push((ended, error) -> {
      lock.run(() -> interlock.end(range, this::write));
      ended.complete(error);
    });
    IoCompletion then =
        (written, error) -> {
          if (error == null) {
            writeCow(piece, to);
          } else {
            piece.complete(error);
          }
        };
    Io first =
        piece.op() == Io.Op.DISCARD
            ? Io.writeZeroes(piece.sector(), piece.sectors(), false, then)
            : piece.slice(0, piece.sectors(), then);
    lock.after(() -> group.write(first, null, originCounters));
  }

  @Override
  public void resume() {
    super.resume();
    lock.run(() -> {
      Snapshot snapshot = snapshot();
      if (snapshot != null && !snapshot.valid) {
        group.mergeLost();
      }
      if (merge != null) {
        merge.start();
      }
    });
  }

  @Override
  public CompletionStage<@Nullable Void> presuspend(SuspendMode mode) {
    lock.enter();
    try {
      return merge == null ? CompletableFuture.completedFuture(null) : merge.stop();
    } finally {
      lock.leave();
    }
  }

  @Override
  public CompletionStage<@Nullable Void> close() {
    return presuspend(SuspendMode.NOFLUSH)
        .thenCompose(stopped -> super.close())
        .thenCompose(closed -> viewed());
  }

  /** Completes when no read of {@link MergedOrigin} is in flight to the COW device. */
  private CompletionStage<@Nullable Void> viewed() {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    lock.run(() ->
        views.whenDrained((first, last) -> true, () -> lock.after(() -> done.complete(null))));
    return done;
  }

  @Override
  public MergeProgress progress() {
    lock.enter();
    try {
      return merge == null
          ? new MergeProgress(MergeProgress.State.STOPPED, 0, 0, 0, 0)
          : merge.progress();
    } finally {
      lock.leave();
    }
  }

  @Override
  public void pause() {
    lock.run(() -> {
      paused = true;
      if (merge != null) {
        merge.pause();
      }
    });
  }

  @Override
  public void unpause() {
    lock.run(() -> {
      paused = false;
      if (merge != null) {
        merge.unpause();
      }
    });
  }

  @Override
  public void throttle(long bytesPerSecond) {
    checkNotNegative(bytesPerSecond);
    lock.run(() -> {
      throttle = bytesPerSecond;
      if (merge != null) {
        merge.throttle(bytesPerSecond);
      }
    });
  }

  @Override
  public long throttle() {
    lock.enter();
    try {
      return throttle;
    } finally {
      lock.leave();
    }
  }

  @Override
  public void batch(long bytes) {
    checkNotNegative(bytes);
    lock.run(() -> {
      mostBatch = bytes;
      if (merge != null) {
        merge.pace.batch(bytes);
      }
    });
  }

  private static void checkNotNegative(long number) {
    if (number < 0) {
      throw new IllegalArgumentException(number + " bytes");
    }
  }

  @Override
  public Registration onProgress(Runnable listener) {
    lock.enter();
    try {
      return listeners.add(listener);
    } finally {
      lock.leave();
    }
  }

  /** The merge has made progress or has stopped. With the lock held. */
  void progressed() {
    listeners.changed();
  }

  @Override
  public CompletionStage<String> message(List<String> words) throws TableException {
    return words.getFirst().equals("changed")
        ? super.message(words)
        : CompletableFuture.completedFuture(answer(words));
  }

  private String answer(List<String> words) throws TableException {
    String verb = words.getFirst();
    boolean takesNumber = verb.equals("throttle") || verb.equals("batch");
    if (words.size() != (takesNumber ? 2 : 1)) {
      throw new TableException("wrong number of words in message: " + String.join(" ", words));
    }
    long number =
        takesNumber ? Arguments.number(words.get(1), 0, Long.MAX_VALUE, "Invalid number") : 0;
    if (verb.equals("progress")) {
      return progress().toString();
    }
    if (!mergesHere()) {
      throw new TableException("there is no snapshot to merge yet");
    }
    switch (verb) {
      case "pause" -> pause();
      case "resume" -> unpause();
      case "throttle" -> throttle(number);
      case "batch" -> batch(number);
      default -> throw new TableException("unknown message: " + verb);
    }
    return "";
  }

  private boolean mergesHere() {
    lock.enter();
    try {
      return merge != null;
    } finally {
      lock.leave();
    }
  }

  @Override
  SnapshotStatus status(Snapshot mine) {
    SnapshotStatus status = mine.status();
    return mine.valid && merge != null && merge.failed()
        ? new SnapshotStatus(
            SnapshotStatus.State.MERGE_FAILED,
            status.allocatedSectors(),
            status.totalSectors(),
            status.metadataSectors())
        : status;
  }

  @Override
  public TargetSpec spec() {
    return new MergeSpec(found());
  }

  /**
   * The block sizes include those of both devices, since they must not change under an initiator.
   * The origin decides whether it is writable; if the COW device no longer is, requests to it fail.
   */
  @Override
  public Limits limits() {
    Limits origins = origin.limits();
    Limits cows = cow.limits();
    return new Limits(
        Math.max(origins.logicalBlockSize(), cows.logicalBlockSize()),
        Math.max(origins.physicalBlockSize(), cows.physicalBlockSize()),
        origins.readOnly(),
        origins.discards(),
        origins.discardZeroes(),
        origins.discardGranularity(),
        origins.holesReadZero() && cows.holesReadZero());
  }
}
