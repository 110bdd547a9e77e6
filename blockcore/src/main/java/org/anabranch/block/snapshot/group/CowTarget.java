// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.Latencies;
import org.anabranch.block.dm.Arguments;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetType.Context;
import org.anabranch.block.snapshot.ChangedChunks;
import org.anabranch.block.snapshot.CowArguments;
import org.anabranch.block.snapshot.CowArguments.Persistence;
import org.anabranch.block.snapshot.OriginCounter;
import org.anabranch.block.snapshot.SnapshotCounter;
import org.anabranch.block.snapshot.SnapshotLatency;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.block.snapshot.SnapshotStatus.State;
import org.anabranch.block.store.ExceptionStore;
import org.anabranch.block.store.ExceptionTable;
import org.anabranch.block.store.Extent;
import org.anabranch.block.store.StoreCounter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The common part of {@link SnapshotTarget} and {@link MergeTarget}: a COW store, and the life
 * cycle of a target that owns one or waits for one ({@link Handover}).
 */
abstract class CowTarget implements Target {
  private static final Logger LOG = LoggerFactory.getLogger(CowTarget.class);

  final OriginGroup group;
  final DeferringLock lock;
  final BlockDevice origin;
  final BlockDevice cow;
  final CowArguments arguments;
  final Context context;
  final Counters<SnapshotCounter> counters;
  final Latencies<SnapshotLatency> latencies;
  final Counters<OriginCounter> originCounters;

  private final Handover handover;
  private final Runnable closed;

  /** Read by each command, hence without the lock. */
  private volatile long chunkSectors = 1; // written with the lock held

  // All fields below are guarded by lock.

  /** Null while it waits for a handover, and after it was the source of one. */
  private @Nullable Snapshot snapshot;

  /** What tables print if there is no snapshot: after a handover, the destination's arguments. */
  private CowArguments printed;

  /** True from the first resume or handover on: writes to the origin then need copies. */
  private boolean active;

  private boolean suspended;
  private boolean handedOver;
  private boolean cancelled;
  private boolean leaving;

  /** {@code whenClosed} is called once, at the end of {@link #close}. */
  CowTarget(
      OriginGroup group,
      BlockDevice cow,
      CowArguments arguments,
      Context context,
      Runnable whenClosed) {
    this.group = group;
    this.lock = group.lock;
    this.origin = group.origin;
    this.cow = cow;
    this.arguments = arguments;
    this.context = context;
    this.counters = context.counts().counters(SnapshotCounter.class);
    this.latencies = context.counts().latencies(SnapshotLatency.class);
    this.originCounters = context.counts().counters(OriginCounter.class);
    this.handover = new Handover(group);
    this.closed = whenClosed;
    this.printed = arguments;
  }

  /** Chunk size in sectors; 1 while there is no store. Any thread. */
  public final long chunkSectors() {
    return chunkSectors;
  }

  /** Whether this is a merge. Any thread. */
  abstract boolean merges();

  /** Called when the snapshot was loaded or handed over to this target. With the lock held. */
  void arrived(Snapshot arrived) {}

  /** Called when the snapshot was handed over to another target. With the lock held. */
  void departed() {}

  BlockDevice cow() {
    return cow;
  }

  /** The end, in sectors of the origin, of what this target maps. */
  long end() {
    return context.begin() + context.length();
  }

  @Nullable Snapshot snapshot() {
    return snapshot;
  }

  boolean active() {
    return active;
  }

  boolean suspended() {
    return suspended;
  }

  /** Whether this is the destination of a handover and has no store yet. */
  boolean awaitsHandover() {
    return snapshot == null && !handedOver && !cancelled;
  }

  /** Whether this is a destination whose source was removed before the handover. */
  boolean cancelled() {
    return cancelled;
  }

  /** Whether the origin's old chunks must be copied for this target. */
  boolean needsCopies() {
    return active && !merges() && snapshot != null;
  }

  /** Whether it is being closed: no new copies are made for it, but those in flight count. */
  boolean leaving() {
    return leaving;
  }

  /** Raises the device's event number. */
  void event() {
    context.event();
  }

  /** A row maps to the same sectors of the origin, as in Linux. */
  @Override
  public final void map(Io io) {
    group.foreground.used();
    if (io.op() != Io.Op.FLUSH) {
      io.remap(context.begin() + io.sector());
    }
    mapHere(io);
  }

  /** {@link #map} with sectors of the origin. */
  abstract void mapHere(Io io);

  @Override
  public final boolean delaysWrite(long sector, long sectors) {
    return ask(snapshot -> delaysWrite(snapshot, context.begin() + sector, sectors));
  }

  @Override
  public final boolean hasAccepted(long sector, long sectors) {
    return ask(snapshot -> hasAccepted(snapshot, context.begin() + sector, sectors));
  }

  private boolean ask(Predicate<Snapshot> question) {
    lock.enter();
    try {
      return snapshot != null && question.test(snapshot);
    } finally {
      lock.leave();
    }
  }

  /** {@link #delaysWrite(long, long)} with sectors of the origin, and the lock held. */
  abstract boolean delaysWrite(Snapshot its, long sector, long sectors);

  /** {@link #hasAccepted(long, long)} with sectors of the origin, and the lock held. */
  abstract boolean hasAccepted(Snapshot its, long sector, long sectors);

  /** Joins the group, and loads the store unless it will be handed over. */
  CompletionStage<Target> load() {
    ExceptionStore store;
    lock.enter();
    try {
      store = CowStores.make(arguments, origin, cow, lock);
      if (merges() && !store.canMerge()) {
        throw new TableException("Snapshot exception store does not support snapshot-merge.");
      }
      if (handover.register(this)) {
        return CompletableFuture.completedFuture(this);
      }
    } catch (TableException e) {
      return CompletableFuture.failedFuture(e);
    } finally {
      lock.leave();
    }
    ExceptionTable table = new ExceptionTable();
    CompletableFuture<Target> loaded = new CompletableFuture<>();
    var _ =
        store
            .load(table, origin)
            .thenCompose(this::isValid)
            .thenAccept(valid -> loaded(store, table, valid))
            .whenComplete((done, failure) -> {
              if (failure == null) {
                loaded.complete(this);
              } else {
                refuse(loaded, failure);
              }
            });
    return loaded;
  }

  /** Whether a store is valid whose header says so, or does not. */
  private CompletionStage<Boolean> isValid(boolean isMarkedValid) {
    return isMarkedValid
        ? group.invalidStores.contains(cow).thenApply(isRecorded -> !isRecorded)
        : CompletableFuture.completedFuture(false);
  }

  private void loaded(ExceptionStore store, ExceptionTable table, boolean valid) {
    if (!valid) {
      LOG.warn("{}: Snapshot is marked invalid.", cow.name());
    }
    lock.run(() -> {
      Snapshot mine = new Snapshot(group, cow, store, table, valid, this);
      mine.followsMerge = arguments.mergedOrigin() && !merges();
      keep(mine);
    });
  }

  private void refuse(CompletableFuture<Target> loaded, Throwable failure) {
    lock.run(() -> handover.unregister(this));
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    loaded.completeExceptionally(
        new TableException("Failed to read snapshot metadata: " + cause.getMessage(), cause));
  }

  private void keep(Snapshot mine) {
    snapshot = mine;
    mine.store.countIn(context.counts().counters(StoreCounter.class));
    chunkSectors = mine.store.chunkSectors();
    arrived(mine);
  }

  /**
   * Hands the store over to {@code destination}, unchanged, except for what the destination's table
   * says about a full one. With the lock held.
   */
  void handOver(CowTarget destination) {
    Snapshot mine = Objects.requireNonNull(snapshot);
    snapshot = null;
    chunkSectors = 1;
    handedOver = true;
    printed = destination.arguments;
    mine.owner = destination;
    mine.store.setOverflows(destination.arguments.overflows());
    departed();
    destination.keep(mine);
    destination.active = true; // its device may stay suspended while the origin is written
    destination.suspended = true;
    group.rolesChanged();
  }

  /**
   * The merge that this one's snapshot follows has its store: from now on its copies are needed.
   * The device may stay suspended for a while. With the lock held.
   */
  void activate() {
    active = true;
    suspended = true;
  }

  /** Whether its origin is what a merge makes of it. With the lock held. */
  boolean followsMerge() {
    return snapshot != null && snapshot.followsMerge;
  }

  /** The source was removed before the handover. With the lock held. */
  void cancel() {
    cancelled = true;
  }

  @Override
  public CompletionStage<@Nullable Void> preresume() {
    lock.enter();
    try {
      handover.resuming(this);
      return CompletableFuture.completedFuture(null);
    } catch (TableException e) {
      return CompletableFuture.failedFuture(e);
    } finally {
      lock.leave();
    }
  }

  @Override
  public void resume() {
    lock.run(() -> {
      active = true;
      suspended = false;
      MergeTarget merge = snapshot == null || !snapshot.followsMerge ? null : group.merging();
      if (snapshot != null && merge != null && merge.isOver()) {
        snapshot.followsMerge = false; // it was loaded behind the end
      }
      group.rolesChanged();
    });
  }

  @Override
  public void postsuspend() {
    lock.run(() -> suspended = true);
  }

  /** Leaves the group; completes when nothing is in flight to the COW device. */
  @Override
  public CompletionStage<@Nullable Void> close() {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    lock.run(() -> {
      handover.unregister(this);
      Snapshot mine = snapshot;
      if (mine == null) {
        lock.after(() -> done.complete(null));
        return;
      }
      leaving = true;
      group.leaves(this);
      mine.idle()
          .await(() ->
              lock.run(() -> {
                group.left(this);
                mine.settled(() -> done.complete(null));
              }));
    });
    return done.thenRun(closed).thenApply(ran -> null);
  }

  /** The error for requests to an invalid snapshot. */
  IoError invalidError() {
    return IoError.of(IoError.Kind.IO, "the snapshot on " + cow.name() + " is invalid");
  }

  @Override
  public final String status() {
    return snapshotStatus().toString();
  }

  /** Any thread. */
  public final SnapshotStatus snapshotStatus() {
    lock.enter();
    try {
      Snapshot mine = snapshot;
      if (mine != null) {
        return status(mine);
      }
      State state = handedOver || cancelled ? State.INVALID : State.AWAITING_HANDOVER;
      return new SnapshotStatus(state, 0, cow.sectors(), 0);
    } finally {
      lock.leave();
    }
  }

  /** The state of a snapshot that this target owns. With the lock held. */
  SnapshotStatus status(Snapshot mine) {
    return mine.status();
  }

  /** The arguments, with values from the store and current device names. Any thread. */
  final CowArguments found() {
    CowArguments given = arguments;
    Persistence persistence;
    int chunk = 0;
    boolean merged = given.mergedOrigin();
    lock.enter();
    try {
      Snapshot mine = snapshot;
      if (mine == null) {
        given = printed;
        merged = given.mergedOrigin();
        persistence = given.persistence();
      } else {
        persistence = Persistence.valueOf(mine.store.type());
        chunk = mine.store.chunkSectors();
        merged = mine.followsMerge;
      }
    } finally {
      lock.leave();
    }
    return new CowArguments(
        context.reference(origin),
        context.reference(cow),
        persistence,
        chunk,
        given.discardZeroesCow(),
        given.discardPassdownOrigin(),
        merged);
  }

  /** Handles the messages common to both targets. */
  @Override
  public CompletionStage<String> message(List<String> words) throws TableException {
    if (words.size() == 3 && words.getFirst().equals("changed")) {
      long from = Arguments.number(words.get(1), 0, Long.MAX_VALUE, "Invalid chunk");
      long most = Arguments.number(words.get(2), 1, ChangedChunks.MAX_RUNS, "Invalid number");
      return CompletableFuture.completedFuture(changed(from, (int) most).toString());
    }
    throw new TableException("unknown message: " + String.join(" ", words));
  }

  /** Lists the chunks from {@code from} on that have exceptions, in at most {@code most} runs. */
  public final ChangedChunks changed(long from, int most) throws TableException {
    lock.enter();
    try {
      if (snapshot == null || !snapshot.valid) {
        throw new TableException(invalidError().message());
      }
      return list(snapshot, from, most);
    } finally {
      lock.leave();
    }
  }

  /** With the lock held. */
  private static ChangedChunks list(Snapshot snapshot, long from, int most) {
    List<Long> runs = new ArrayList<>();
    Extent extent = new Extent();
    long next = from;
    while (snapshot.table.next(next, extent)) {
      long end = extent.oldChunk() + extent.length();
      int last = runs.size() - 1;
      if (last > 0 && runs.get(last - 1) + runs.get(last) == extent.oldChunk()) {
        runs.set(last, end - runs.get(last - 1));
      } else if (runs.size() == 2 * most) {
        return new ChangedChunks(snapshot.store.chunkSectors(), runs, extent.oldChunk());
      } else {
        runs.add(extent.oldChunk());
        runs.add(extent.length());
      }
      next = end;
    }
    return new ChangedChunks(snapshot.store.chunkSectors(), runs, -1);
  }

  @Override
  public String toString() {
    return context.deviceName();
  }
}
