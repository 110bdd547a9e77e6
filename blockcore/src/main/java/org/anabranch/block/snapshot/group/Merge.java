// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counters;
import org.anabranch.block.snapshot.MergeCounter;
import org.anabranch.block.snapshot.MergeLatency;
import org.anabranch.block.snapshot.MergeProgress;
import org.anabranch.block.store.MergeBatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Merges a snapshot into its origin, in batches, from the end of the store's list:
 *
 * <pre>
 *   1 nothing pending      exceptions that writes to the origin started before the merge have ended
 *   2 prepare              the store finds the last exceptions on its list
 *   3 copy out             the other snapshots copy what will be overwritten
 *   4 close the interlock  from now on, writes to copied sectors go to both devices
 *   5 copy                 COW device to origin, run by run; writes to sectors in copy wait
 *   6 flush the origin     the copies are durable
 *   7 commit               the exceptions are durably removed from the list
 *   8 open the interlock   the chunks are now read and written on the origin
 * </pre>
 *
 * <p>A batch of any number of runs costs one flush of each device and one write of metadata. At any
 * power failure, a chunk is still on the list or its data is durable on the origin, so a restarted
 * merge has the same result.
 *
 * <p>What if a step fails? The merge stops, the status is {@code Merge failed}, and {@link
 * MergeInterlock} describes what happens to writes. After a suspend and resume, the merge starts
 * again: with the failed batch from step 2, since it is still on the list; or from step 6 if step 7
 * failed, because then the list's content is unknown, and both devices have the chunks.
 *
 * <p>Guarded by the group's lock; every method is called with it held.
 */
final class Merge {
  private static final Logger LOG = LoggerFactory.getLogger(Merge.class);

  /** Copies of a batch in flight at the same time. */
  private static final int COPIES = 4;

  /** Copies started in a row on one thread, which has other work too. */
  private static final int COPIES_IN_A_TURN = 64;

  /** Runs removed from the table at once, with the lock held. */
  private static final int FORGOTTEN_AT_ONCE = 1024;

  private static final int PIECE_SECTORS = BufferPool.MAX >> 9;

  /**
   * After so many copied sectors, a flush of the origin starts while copying continues. A smaller
   * value would flush, again and again, what others keep writing.
   */
  private static final long FLUSH_SECTORS = 64 << 20 >> 9;

  final MergeInterlock interlock;
  final MergePace pace;

  private final OriginGroup group;
  private final DeferringLock lock;
  private final Snapshot snapshot;
  private final Scheduler scheduler;
  private final MergeTarget target;
  private final Counters<MergeCounter> counters;

  private boolean running;
  private boolean paused;
  private boolean failed;
  private boolean done;

  /** Between two batches, waiting for {@link #unpause}, {@link #stop} or the {@link #timer}. */
  private boolean parked;

  private Scheduler.@Nullable Timer timer;
  private @Nullable CompletableFuture<@Nullable Void> stopping;

  // About the current batch.
  private long begin;
  private long copyEnd;
  private int nextRun;
  private long nextSector;
  private int copying;
  private int begunInTurn;
  private long turnBegin;

  /** The last check of the group's foreground; later requests count as use by others. */
  private int look;

  private boolean copyFailed;

  /** Between two turns; the second one will come, whatever fails in the meantime. */
  private boolean resting;

  /** The number of exceptions before the current commit; -1 if there is none. */
  private long beforeCommit = -1;

  /** The batch that may or may not be on the list, because step 7 failed. */
  private @Nullable MergeBatch unsettled;

  /** Sectors copied since the last flush started, and whether an early flush is in flight. */
  private long unflushed;

  private boolean flushing;

  Merge(MergeTarget target, Snapshot snapshot, Scheduler scheduler) {
    this.target = target;
    this.counters = target.mergeCounters;
    this.group = target.group;
    this.lock = group.lock;
    this.snapshot = snapshot;
    this.scheduler = scheduler;
    this.interlock = new MergeInterlock(lock, snapshot.shift);
    this.pace =
        new MergePace(
            1 << 9 << snapshot.shift, group.bounds.firstBatchBytes(), scheduler.nanoTime());
  }

  /** Starts the merge, or restarts it after a failure or a stop. */
  void start() {
    if (!running && !done) {
      failed = false;
      running = true;
      counters.increment(MergeCounter.STARTS);
      target.progressed();
      look = group.foreground.look();
      step();
    }
  }

  /** Finishes the current batch; completes when nothing is in flight. */
  CompletionStage<@Nullable Void> stop() {
    if (!running) {
      return CompletableFuture.completedFuture(null);
    }
    if (stopping == null) {
      stopping = new CompletableFuture<>();
    }
    CompletableFuture<@Nullable Void> stage = stopping;
    unpark();
    return stage;
  }

  void pause() {
    paused = true;
    target.progressed();
  }

  void unpause() {
    paused = false;
    target.progressed();
    unpark();
  }

  void throttle(long bytesPerSecond) {
    pace.throttle(bytesPerSecond, scheduler.nanoTime());
    unpark();
  }

  boolean failed() {
    return failed;
  }

  /** Whether nothing is left to merge, noticed here or not yet. */
  boolean isOver() {
    return snapshot.valid && snapshot.store.exceptions() == 0 && !snapshot.hasPending();
  }

  private void unpark() {
    if (parked) {
      parked = false;
      if (timer != null) {
        timer.cancel();
        timer = null;
      }
      step();
    }
  }

  private void step() {
    if (stopping != null) {
      shut();
    } else if (!snapshot.valid) {
      LOG.warn("{}: Snapshot is invalid: can't merge", target);
      shut();
    } else if (paused) {
      parked = true;
    } else if (snapshot.hasPending()) {
      snapshot.idle().await(() -> lock.run(this::step));
    } else if (pace.delay(scheduler.nanoTime()) > 0) {
      parked = true;
      timer = scheduler.schedule(() -> lock.run(this::unpark), pace.delay(scheduler.nanoTime()));
    } else if (unsettled != null) {
      begin = scheduler.nanoTime();
      flush(unsettled);
    } else {
      snapshot.store.prepareMerge(pace.chunks(), this::prepared);
    }
  }

  private void prepared(@Nullable MergeBatch batch, @Nullable IoError error) {
    if (error != null) {
      fail("Read error in exception store: shutting down merge", error);
      shut();
    } else if (batch == null) {
      done = true;
      counters.increment(MergeCounter.COMPLETIONS);
      LOG.info("{}: merge complete, {} bytes", target, pace.merged());
      lock.after(target::event);
      shut();
    } else {
      begin = scheduler.nanoTime();
      copyOut(batch, 0);
    }
  }

  /**
   * Makes the other snapshots copy what the runs from {@code from} on overwrite, a few at a time.
   */
  private void copyOut(MergeBatch batch, int from) {
    int end = from;
    for (long sectors = 0; end < batch.runs() && sectors < OriginGroup.COPY_OUT_SECTORS; end++) {
      sectors += (long) batch.length(end) << snapshot.shift;
    }
    int next = end;
    Gate others = group.copyOut(batch, from, end, snapshot.shift);
    if (others == OriginGroup.REFUSED) {
      fail("Write error: shutting down merge.", group.refusal());
      shut();
    } else if (others != null) {
      others.await(() -> lock.run(() -> copyOut(batch, from)));
    } else if (next < batch.runs()) {
      copyOut(batch, next);
    } else {
      copy(batch);
    }
  }

  private void copy(MergeBatch batch) {
    interlock.close(batch);
    nextRun = 0;
    nextSector = 0;
    copyFailed = false;
    unflushed = 0;
    copyTurn(batch);
  }

  private void copyTurn(MergeBatch batch) {
    resting = false;
    begunInTurn = 0;
    turnBegin = scheduler.nanoTime();
    copyMore(batch);
    finishCopy(batch);
  }

  /** Keeps {@link #COPIES} copies in flight until the batch is copied or a copy has failed. */
  private void copyMore(MergeBatch batch) {
    while (mayCopy(batch) && copying < COPIES && begunInTurn < COPIES_IN_A_TURN) {
      long to = batch.oldChunk(nextRun) << snapshot.shift;
      long length = mergedSectors(to, (long) batch.length(nextRun) << snapshot.shift);
      long count = Math.min(PIECE_SECTORS, length - nextSector);
      long from = (batch.newChunk(nextRun) << snapshot.shift) + nextSector;
      long toSector = to + nextSector;
      nextSector += count;
      if (nextSector >= length) {
        nextRun++;
        nextSector = 0;
      }
      copying++;
      begunInTurn++;
      copyPiece(batch, from, interlock.beginCopy(toSector, count));
    }
  }

  /**
   * The part of a run that belongs to the snapshot. Beyond its end, the rest of its last chunk
   * belongs to an origin that has grown since.
   */
  private long mergedSectors(long to, long length) {
    long beyond = to + length - target.end();
    boolean endIsInTheLastChunk = beyond > 0 && beyond < 1L << snapshot.shift;
    return Math.min(endIsInTheLastChunk ? length - beyond : length, group.origin.sectors() - to);
  }

  private boolean mayCopy(MergeBatch batch) {
    return !copyFailed && nextRun < batch.runs();
  }

  /** Copies after the writes in flight to these sectors on the COW device have ended. */
  private void copyPiece(MergeBatch batch, long from, MergeInterlock.Range to) {
    long first = to.sector() >> snapshot.shift;
    long last = (to.end() - 1) >> snapshot.shift;
    Copier.Done done = (read, write) -> lock.run(() -> copied(batch, to, read, write));
    Runnable copy =
        () ->
            group.copier.copy(
                snapshot.cow, from, group.origin, to.sector(), to.end() - to.sector(), done);
    TrackedIos.Chunks these = (low, high) -> low <= last && first <= high;
    if (snapshot.tracked.touches(these)) {
      // Not on the thread that completes the last write, which has other work.
      snapshot.tracked.whenDrained(these, () -> lock.after(() -> scheduler.execute(copy)));
    } else {
      lock.after(copy);
    }
  }

  private void copied(
      MergeBatch batch,
      MergeInterlock.Range range,
      @Nullable IoError readError,
      @Nullable IoError writeError) {
    copying--;
    unflushed += range.end() - range.sector();
    IoError error = readError == null ? writeError : readError;
    if (error == null) {
      counters.add(MergeCounter.COPIED_BYTES, (range.end() - range.sector()) << 9);
    }
    if (error != null && !copyFailed) {
      copyFailed = true;
      fail((readError == null ? "Write" : "Read") + " error: shutting down merge.", error);
    }
    interlock.end(range, target::write);
    if (copying == 0 && begunInTurn == COPIES_IN_A_TURN && mayCopy(batch)) {
      boolean shared = group.foreground.usedSince(look);
      look = group.foreground.look();
      long rest = shared ? MergePace.rest(turnBegin, scheduler.nanoTime()) : 0;
      resting = true;
      anotherTurn(rest, () -> copyTurn(batch));
      return;
    }
    copyMore(batch);
    flushAhead(batch);
    finishCopy(batch);
  }

  /** Lets the origin flush what is copied already, so that the last flush is short. */
  private void flushAhead(MergeBatch batch) {
    if (copying > 0 && !copyFailed && !flushing && unflushed >= FLUSH_SECTORS) {
      flushing = true;
      unflushed = 0;
      lock.submit(group.origin, Io.flush(lock.locked(error -> flushedAhead(batch, error))));
    }
  }

  private void flushedAhead(MergeBatch batch, @Nullable IoError error) {
    flushing = false;
    if (error != null && !copyFailed) {
      copyFailed = true;
      fail("Flush error: shutting down merge", error);
    }
    flushAhead(batch);
    finishCopy(batch);
  }

  private void finishCopy(MergeBatch batch) {
    if (copying > 0 || flushing || resting || mayCopy(batch)) {
      return;
    }
    if (copyFailed) {
      shut();
    } else {
      flush(batch);
    }
  }

  private void flush(MergeBatch batch) {
    copyEnd = scheduler.nanoTime();
    lock.submit(group.origin, Io.flush(lock.locked(error -> flushed(batch, error))));
  }

  private void flushed(MergeBatch batch, @Nullable IoError error) {
    if (error != null) {
      fail("Flush error: shutting down merge", error);
      shut();
    } else {
      beforeCommit = snapshot.store.exceptions();
      snapshot.store.commitMerge(batch.count(), failure -> committed(batch, failure));
    }
  }

  private void committed(MergeBatch batch, @Nullable IoError error) {
    if (error != null) {
      beforeCommit = -1;
      unsettled = batch;
      fail("Write error in exception store: shutting down merge", error);
      shut();
      return;
    }
    unsettled = null;
    forget(batch, 0);
  }

  /**
   * Removes a few runs at a time, since others need the lock. Both devices are equal until then.
   */
  private void forget(MergeBatch batch, int from) {
    int end = Math.min(batch.runs(), from + FORGOTTEN_AT_ONCE);
    for (int i = from; i < end && snapshot.valid; i++) {
      snapshot.table.remove(batch.oldChunk(i), batch.length(i));
    }
    if (end < batch.runs()) {
      lock.after(() -> lock.run(() -> forget(batch, end)));
      return;
    }
    interlock.open();
    beforeCommit = -1;
    if (isOver()) {
      group.mergeOver();
    }
    long now = scheduler.nanoTime();
    pace.merged(batch.count(), begin, copyEnd, now);
    count(batch, now - begin);
    target.progressed();
    anotherTurn(0, this::step);
  }

  private void count(MergeBatch batch, long nanos) {
    counters.increment(MergeCounter.BATCHES);
    counters.add(MergeCounter.RUNS, batch.runs());
    counters.add(MergeCounter.CHUNKS, batch.count());
    target.mergeLatencies.record(MergeLatency.BATCH, nanos);
  }

  /** Leaves time to others; a device that completes every request at once would never yield. */
  private void anotherTurn(long restNanos, Runnable next) {
    Runnable turn = () -> lock.run(next);
    lock.after(() -> {
      if (restNanos > 0) {
        scheduler.schedule(turn, restNanos);
      } else {
        scheduler.execute(turn);
      }
    });
  }

  private void fail(String message, IoError error) {
    LOG.error("{}: {} ({})", target, message, error.message());
    failed = true;
    counters.increment(MergeCounter.FAILURES);
    interlock.fail(unsettled != null);
    lock.after(target::event);
  }

  private void shut() {
    running = false;
    if (isOver()) {
      group.mergeOver(); // also of a store that was empty, or that nobody looked into
    }
    target.progressed();
    CompletableFuture<@Nullable Void> stopped = stopping;
    stopping = null;
    if (stopped != null) {
      lock.after(() -> stopped.complete(null));
    }
  }

  MergeProgress progress() {
    long exceptions = beforeCommit < 0 ? snapshot.store.exceptions() : beforeCommit;
    long left = snapshot.valid ? exceptions << snapshot.shift << 9 : 0;
    return new MergeProgress(state(), left, pace.merged(), pace.rate(), interlock.waiting());
  }

  private MergeProgress.State state() {
    if (!snapshot.valid) {
      return MergeProgress.State.INVALID;
    } else if (failed) {
      return MergeProgress.State.FAILED;
    } else if (done) {
      return MergeProgress.State.DONE;
    } else if (!running) {
      return MergeProgress.State.STOPPED;
    }
    return paused ? MergeProgress.State.PAUSED : MergeProgress.State.RUNNING;
  }
}
