// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.RelievedThread;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.Counts;
import org.anabranch.block.dm.EarlyCompletion;
import org.anabranch.block.dm.MappedDevice;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A volatile write cache above a mapped device: a write that waits below for a snapshot's copy or
 * for a merge is acknowledged as soon as a copy of it is in the {@link Ring}. The package has the
 * design.
 *
 * <dl>
 *   <dt>What does a write cost that does not wait?
 *   <dd>The question whether it does, which takes no lock if the device has no snapshots and no
 *       merge. Nothing is copied.
 *   <dt>What if the ring is full?
 *   <dd>The write waits until there is room, behind those that wait already: that comes sooner than
 *       the end of the write's own copy, which would be made after all that is in the ring. If
 *       nothing of this device is in the ring, others have filled it, and the write waits below as
 *       it does without a cache.
 *   <dt>What if the write is too long for the ring?
 *   <dd>It waits below as it does without a cache.
 *   <dt>What happens to a read of what is in the ring?
 *   <dd>It waits until the device has it.
 *   <dt>What if a write fails below that was acknowledged?
 *   <dd>It is lost, and nobody can say so to its sender any more. So every flush fails from then
 *       on, and every change is refused as read-only, as after a failed sync. {@link #failure} says
 *       why. What is in the ring still goes down. Reads go on.
 *   <dt>What happens on a suspend of the device, a table change, a removal?
 *   <dd>The device holds this layer first ({@link EarlyCompletion}): no write is acknowledged early
 *       any more, and the suspend waits until the ring has none of this device's.
 * </dl>
 *
 * <p>Any thread.
 */
public final class WriteCache implements BlockDevice, EarlyCompletion {
  private static final Logger LOG = LoggerFactory.getLogger(WriteCache.class);

  /** The most writes in the ring for one device: a flush waits for all of them. */
  static final int MAX_WRITES = 2048;

  /** The most requests that wait for writes in the ring, and as many for room in it. */
  static final int MAX_WAITING = 65_536;

  /** What the cache asks about a write. */
  interface Delays {
    /** See {@link MappedDevice#delaysWrite}. */
    boolean delaysWrite(long sector, long sectors);

    /** See {@link MappedDevice#mayRefuse}. */
    boolean mayRefuse();

    /** See {@link MappedDevice#hasAccepted}. */
    boolean hasAccepted(long sector, long sectors);
  }

  /** A flush that waits for writes with smaller numbers than {@code mark}. */
  private record Waiting(long mark, Runnable then) {}

  private final BlockDevice below;
  private final Delays delays;
  private final boolean acknowledges;
  private final Counters<WriteCacheCounter> counters;
  private final DeferringLock lock = new DeferringLock();

  private final RingPart part; // guarded by lock
  private final Order order; // guarded by lock

  /** In the order of their marks. Guarded by lock. */
  private final ArrayDeque<Waiting> drains = new ArrayDeque<>();

  /**
   * What writes that wait for room in the ring do when there may be some, in their order. There are
   * none if nothing is in {@link #order}, unless the first one is {@link #woken}. Guarded by lock.
   */
  private final ArrayDeque<Runnable> forRoom = new ArrayDeque<>();

  /** Whether the first one for room is about to try again. Guarded by lock. */
  private boolean woken;

  private boolean held; // guarded by lock
  private boolean paused; // guarded by lock
  private int waiting; // guarded by lock

  /** The number of writes in {@link #order}. */
  private volatile int live; // written with the lock held

  private volatile @Nullable IoError failure; // written with the lock held, once

  /** Only for tests and {@link #over}. */
  WriteCache(BlockDevice below, Delays delays, RingPart part, boolean acknowledges, Counts counts) {
    this.below = below;
    this.delays = delays;
    this.acknowledges = acknowledges;
    this.counters = counts.counters(WriteCacheCounter.class);
    this.part = part;
    this.order = new Order(part.mostBytes() / 512);
  }

  /**
   * Puts a cache above {@code device}, which holds it in every suspend from now on. What the
   * process before this one had left in the ring is replayed first.
   *
   * @param owner who the device is in the ring, for ever: not a name that may change
   * @param acknowledges whether writes are acknowledged early; if not, the cache only replays
   * @return the cache, when it may be used. If a replay failed, {@link #failure} says so: the
   *     device takes no changes, and what was not replayed stays in the ring
   */
  public static CompletionStage<WriteCache> over(
      MappedDevice device, Ring ring, String owner, boolean acknowledges) {
    Delays delays =
        new Delays() {
          @Override
          public boolean delaysWrite(long sector, long sectors) {
            return device.delaysWrite(sector, sectors);
          }

          @Override
          public boolean mayRefuse() {
            return device.mayRefuse();
          }

          @Override
          public boolean hasAccepted(long sector, long sectors) {
            return device.hasAccepted(sector, sectors);
          }
        };
    return new Replay(ring, owner, device)
        .run()
        .thenCompose(replayed -> {
          WriteCache cache =
              new WriteCache(device, delays, ring.part(owner), acknowledges, device.counts());
          cache.counters.add(WriteCacheCounter.REPLAYED, replayed.count());
          cache.failure = replayed.error(); // nobody else knows the cache yet
          return device.completesEarly(cache).thenApply(done -> cache);
        });
  }

  @Override
  public String name() {
    return below.name();
  }

  @Override
  public long sectors() {
    return below.sectors();
  }

  @Override
  public Limits limits() {
    Limits limits = below.limits();
    return failure == null ? limits : limits.withReadOnly(true);
  }

  /** Why changes are refused and flushes fail, as one line; null if all went well. */
  public @Nullable String failure() {
    IoError error = failure;
    return error == null ? null : error.message();
  }

  /** How many writes are in the ring now. */
  public int inRing() {
    return live;
  }

  @Override
  public void submit(Io io) {
    boolean idle = live == 0 && failure == null;
    boolean cacheable =
        acknowledges
            && io.op() == Io.Op.WRITE
            && !io.fua()
            && io.sectors() > 0
            && io.data().remaining() <= part.mostBytes()
            && io.end() <= below.sectors();
    boolean delayed = cacheable && delays.delaysWrite(io.sector(), io.sectors());
    if (idle && !delayed) {
      below.submit(io);
    } else if (io.op() == Io.Op.FLUSH) {
      flush(io);
    } else {
      boolean sure = cacheable && live > 0 && !delays.mayRefuse();
      lock.run(() -> {
        if (!route(io, cacheable, delayed, sure, forRoom.isEmpty())) {
          counters.increment(WriteCacheCounter.FULL);
          forRoom.add(RelievedThread.backHere(() -> tryAgain(io)));
        }
      });
    }
  }

  /** The first write that waits for room takes it, or waits on. Without the lock. */
  private void tryAgain(Io io) {
    boolean delayed = delays.delaysWrite(io.sector(), io.sectors());
    boolean sure = !delays.mayRefuse();
    lock.run(() -> {
      woken = false;
      if (route(io, true, delayed, sure, true)) {
        forRoom.remove();
        wake();
      }
    });
  }

  /** There may be room in the ring. With the lock held. */
  private void wake() {
    Runnable first = forRoom.peek();
    if (first != null && !woken) {
      woken = true;
      lock.after(first);
    }
  }

  /**
   * Takes a request in its order. With the lock held.
   *
   * @param delayed whether it waits below
   * @param sure whether it is not refused below, as is known before it is submitted
   * @param first whether no other write waits for room before it
   * @return false, with nothing done, if it must wait for room in the ring
   */
  private boolean route(Io io, boolean cacheable, boolean delayed, boolean sure, boolean first) {
    if (failure != null && io.modifies()) {
      lock.complete(io, readOnly());
      return true;
    }
    List<CachedWrite> overlapping = order.overlapping(io.sector(), io.end());
    boolean ordered = !overlapping.isEmpty();
    RingEntry entry = null;
    if (cacheable && !held && !paused && (delayed || ordered)) {
      boolean mayTake = first && order.size() < MAX_WRITES;
      entry = mayTake ? part.append(io.sector(), io.data().duplicate()) : null;
      if (entry == null && order.size() > 0 && forRoom.size() < MAX_WAITING) {
        return false;
      }
    }
    if (entry != null) {
      CachedWrite write = new CachedWrite(io, entry, order.nextNumber());
      Order.block(write, overlapping);
      order.add(write);
      live = order.size();
      write.go = () -> send(write);
      if (!ordered) {
        lock.after(write.go);
      } else if (sure) {
        acknowledge(write);
      }
    } else if (ordered) {
      hold(io, overlapping);
    } else {
      lock.submit(below, io);
    }
    return true;
  }

  /** Lets a request wait that is not acknowledged. With the lock held. */
  private void hold(Io io, List<CachedWrite> overlapping) {
    if (waiting == MAX_WAITING) {
      lock.complete(
          io, IoError.of(IoError.Kind.IO, name() + ": " + MAX_WAITING + " requests wait already"));
      return;
    }
    counters.increment(WriteCacheCounter.ORDER_WAITS);
    waiting++;
    Pending pending = new Pending();
    Order.block(pending, overlapping);
    pending.go =
        () -> {
          lock.run(() -> waiting--);
          if (failure != null && io.modifies()) {
            io.complete(readOnly());
          } else {
            below.submit(io);
          }
        };
  }

  /** Submits an entry's copy, and acknowledges the write if it is still on its way. No lock. */
  private void send(CachedWrite write) {
    below.submit(
        Io.write(write.sector, write.entry.data(), false, (ended, error) -> ended(write, error)));
    boolean accepted = delays.hasAccepted(write.sector, write.end - write.sector);
    lock.run(() -> {
      if (accepted && !held && !paused && !write.ended && !write.acknowledged) {
        acknowledge(write);
      }
    });
  }

  private void acknowledge(CachedWrite write) {
    write.acknowledged = true;
    part.acknowledge(write.entry);
    counters.increment(WriteCacheCounter.ACKNOWLEDGED);
    counters.add(WriteCacheCounter.ACKNOWLEDGED_BYTES, write.io.sectors() << 9);
    lock.complete(write.io, null);
  }

  private void ended(CachedWrite write, @Nullable IoError error) {
    lock.enter();
    try {
      write.ended = true;
      part.done(write.entry);
      order.remove(write);
      live = order.size();
      wake();
      if (!write.acknowledged) {
        lock.complete(write.io, error);
      } else if (error != null) {
        fail(write, error);
      }
      for (Pending follower : write.followers) {
        follower.blockers--;
        if (follower.blockers == 0) {
          lock.after(follower.go);
        }
      }
      long oldest = order.oldest();
      for (Waiting first; (first = drains.peek()) != null && first.mark <= oldest; ) {
        drains.remove();
        lock.after(first.then);
      }
    } finally {
      lock.leave();
    }
  }

  private void fail(CachedWrite write, IoError error) {
    counters.increment(WriteCacheCounter.FAILED);
    if (failure == null) {
      failure =
          IoError.io(
              write.sector,
              name()
                  + ": a write that was acknowledged from the write cache failed, read-only from"
                  + " here on: "
                  + error.message(),
              error.cause());
      LOG.error("{}", failure.message());
    }
  }

  private IoError readOnly() {
    return IoError.of(
        IoError.Kind.READ_ONLY,
        name() + " is read-only since a write failed that was acknowledged from the write cache");
  }

  private void flush(Io io) {
    lock.enter();
    try {
      if (order.size() > 0) {
        counters.increment(WriteCacheCounter.FLUSH_WAITS);
      }
      afterAll(() -> flushBelow(io));
    } finally {
      lock.leave();
    }
  }

  private void flushBelow(Io io) {
    IoError error = failure;
    if (error == null) {
      below.submit(io);
    } else {
      io.complete(IoError.of(IoError.Kind.IO, error.message()));
    }
  }

  /** Runs {@code then} without the lock when all that is in the ring now has ended. */
  private void afterAll(Runnable then) {
    long mark = order.nextNumber();
    if (order.oldest() > mark) {
      lock.after(then);
    } else {
      drains.add(new Waiting(mark, then));
    }
  }

  @Override
  public CompletionStage<@Nullable Void> drain() {
    CompletableFuture<@Nullable Void> drained = new CompletableFuture<>();
    lock.run(() -> afterAll(() -> drained.complete(null)));
    return drained;
  }

  @Override
  public CompletionStage<@Nullable Void> hold() {
    lock.run(() -> held = true);
    return drain();
  }

  /**
   * Acknowledges nothing early until {@link #goOn}, whatever the device does. Done when all that
   * was is on the device.
   */
  public CompletionStage<@Nullable Void> pause() {
    lock.run(() -> paused = true);
    return drain();
  }

  /** Ends a {@link #pause}. */
  public void goOn() {
    lock.run(() -> paused = false);
  }

  @Override
  public void release() {
    lock.run(() -> held = false);
  }

  @Override
  public String toString() {
    return name();
  }
}
