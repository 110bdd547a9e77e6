// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Scheduler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The requests of an export: those that wait to be sent, those that wait for an answer, and the
 * changes that are not flushed. They outlive a connection.
 *
 * <p>Any thread. Requests are completed outside of the lock.
 */
final class NbdQueue {
  private static final Logger LOG = LoggerFactory.getLogger(NbdQueue.class);

  /** The most requests that wait to be sent. */
  static final int MAX_WAITING = 65_536;

  /** The most requests that wait for an answer. */
  static final int MAX_IN_FLIGHT = 256;

  private final String name;
  private final boolean keeps;
  private final Scheduler scheduler;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final ArrayDeque<NbdRequest> waiting = new ArrayDeque<>();

  /** By cookie, the oldest first. */
  @GuardedBy("lock")
  private final LinkedHashMap<Long, NbdRequest> inFlight = new LinkedHashMap<>();

  @GuardedBy("lock")
  private final UnflushedWrites unflushed = new UnflushedWrites();

  /** Acknowledged changes for which {@link #unflushed} had no room; a flush completes them. */
  @GuardedBy("lock")
  private final ArrayDeque<Held> held = new ArrayDeque<>();

  private record Held(long number, NbdRequest request) {}

  /** A flush of our own waits or is in flight. */
  @GuardedBy("lock")
  private boolean flushing;

  @GuardedBy("lock")
  private long cookies;

  @GuardedBy("lock")
  private long lastReceived;

  /** The current connection has not failed. */
  @GuardedBy("lock")
  private boolean alive;

  /** Why there is no connection; null while there is one. */
  @GuardedBy("lock")
  private @Nullable String lost;

  @GuardedBy("lock")
  private long lostAt;

  /** The outage has lasted too long: requests fail until it ends. */
  @GuardedBy("lock")
  private boolean failing;

  @GuardedBy("lock")
  private boolean ending;

  private volatile @Nullable IoError broken; // set once, under the lock

  /**
   * @param keeps whether the server flushes, so that what is not flushed is kept
   */
  NbdQueue(String name, boolean keeps, Scheduler scheduler) {
    this.name = name;
    this.keeps = keeps;
    this.scheduler = scheduler;
  }

  /** Why changes are refused; null if nothing has failed. */
  @Nullable IoError broken() {
    return broken;
  }

  /** Takes a request. */
  void submit(Io io) {
    IoError refusal;
    lock.lock();
    try {
      refusal = refusal(io);
      if (refusal == null) {
        waiting.add(new NbdRequest(io, false));
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
    if (refusal != null) {
      io.complete(refusal);
    }
  }

  @GuardedBy("lock")
  private @Nullable IoError refusal(Io io) {
    IoError failure = broken;
    if (failure != null && io.op() == Io.Op.FLUSH) {
      return IoError.of(IoError.Kind.IO, failure.message());
    } else if (ending) {
      return IoError.of(IoError.Kind.GONE, name + " is closed");
    } else if (failing) {
      return outage();
    } else if (waiting.size() >= MAX_WAITING) {
      return IoError.of(IoError.Kind.IO, name + ": " + MAX_WAITING + " requests wait already");
    }
    return null;
  }

  @GuardedBy("lock")
  private IoError outage() {
    return IoError.of(IoError.Kind.IO, name + ": " + lost);
  }

  /** What is wrong with the connection; null while there is one. */
  @Nullable String interruption() {
    lock.lock();
    try {
      if (lost == null) {
        return null;
      }
      long seconds = TimeUnit.NANOSECONDS.toSeconds(scheduler.nanoTime() - lostAt);
      int count = waiting.size() + inFlight.size();
      String requests =
          failing ? "requests fail" : count + (count == 1 ? " request waits" : " requests wait");
      return "no connection for " + seconds + " s (" + lost + "); " + requests;
    } finally {
      lock.unlock();
    }
  }

  // --- a connection's life ----------------------------------------------------------------------

  /** There is a connection, which has yet to repeat what was not flushed. */
  void begin() {
    lock.lock();
    try {
      alive = true;
      lastReceived = scheduler.nanoTime();
    } finally {
      lock.unlock();
    }
  }

  /** The connection is ready for new requests. */
  void ready() {
    lock.lock();
    try {
      if (alive && lost != null) {
        long millis = TimeUnit.NANOSECONDS.toMillis(scheduler.nanoTime() - lostAt);
        LOG.warn("{}: connected again to the NBD server after {} ms", name, millis);
        lost = null;
        failing = false;
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * The connection has failed. Only the first reason counts.
   *
   * @return whether an outage begins with this
   */
  boolean lose(String reason) {
    lock.lock();
    try {
      boolean begins = alive && lost == null && !isOver();
      if (begins) {
        lostAt = scheduler.nanoTime();
        LOG.warn("{}: {}; connecting again", name, reason);
      }
      if (alive) {
        lost = reason;
      }
      alive = false;
      changed.signalAll();
      return begins;
    } finally {
      lock.unlock();
    }
  }

  /** An attempt to connect again has failed. */
  void stillLost(String reason) {
    lock.lock();
    try {
      if (!reason.equals(lost)) {
        LOG.info("{}: still no connection to the NBD server: {}", name, reason);
        lost = reason;
      }
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private boolean isOver() {
    return ending && waiting.isEmpty() && inFlight.isEmpty();
  }

  /** Nobody receives any more: what was not answered waits to be sent again. */
  void recall() {
    List<NbdRequest> failed = new ArrayList<>();
    IoError error;
    lock.lock();
    try {
      List<NbdRequest> again = new ArrayList<>();
      held.forEach(write -> again.add(write.request()));
      inFlight.values().stream().filter(request -> !request.repeats()).forEach(again::add);
      held.clear();
      inFlight.clear();
      again.reversed().forEach(waiting::addFirst);
      error = outage();
      if (failing) {
        failed.addAll(waiting);
        waiting.clear();
      }
    } finally {
      lock.unlock();
    }
    failed.forEach(request -> request.io().complete(error));
  }

  /** If the outage has lasted as long as it may, what waits fails, and what comes. */
  void giveUp(long outageNanos) {
    List<NbdRequest> failed;
    IoError error;
    lock.lock();
    try {
      if (lost == null || failing || scheduler.nanoTime() - lostAt < outageNanos) {
        return;
      }
      LOG.error("{}: no connection to the NBD server: {}; requests fail now", name, lost);
      failing = true;
      error = outage();
      failed = List.copyOf(waiting);
      waiting.clear();
    } finally {
      lock.unlock();
    }
    failed.forEach(request -> request.io().complete(error));
  }

  /** Nothing is submitted any more, and nothing connected again. */
  void end() {
    lock.lock();
    try {
      ending = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits before the next attempt to connect.
   *
   * @return false when there is to be none
   */
  boolean pause(long nanos) {
    lock.lock();
    try {
      long left = nanos;
      while (!ending && left > 0) {
        left = changed.awaitNanos(left);
      }
      return !ending;
    } catch (InterruptedException e) {
      return true; // nobody interrupts the sending thread; it tries earlier
    } finally {
      lock.unlock();
    }
  }

  // --- sending ----------------------------------------------------------------------------------

  /**
   * Waits for requests to send. An empty list: all has ended.
   *
   * @throws IOException when the connection has failed
   */
  List<NbdRequest> next() throws IOException {
    List<NbdRequest> batch = new ArrayList<>();
    lock.lock();
    try {
      while (alive && !isOver() && !maySend()) {
        changed.awaitUninterruptibly();
      }
      if (!alive) {
        throw new IOException(lost);
      }
      while (batch.size() < NbdConnection.BATCH && maySend()) {
        NbdRequest request = waiting.remove();
        fly(request);
        batch.add(request);
      }
      return batch;
    } finally {
      lock.unlock();
    }
  }

  /** Whether there is a request that can be sent now. */
  @GuardedBy("lock")
  private boolean maySend() {
    NbdRequest first = waiting.peek();
    return first != null && inFlight.size() < MAX_IN_FLIGHT && !overlapsChange(first);
  }

  /**
   * A server may make two changes of one place that are under way at once in either order, whatever
   * the order of its answers, in which they would be repeated. So the second one waits.
   */
  @GuardedBy("lock")
  private boolean overlapsChange(NbdRequest request) {
    Io io = request.io();
    return keeps
        && io.modifies()
        && inFlight.values().stream()
            .map(NbdRequest::io)
            .anyMatch(other ->
                other.modifies() && other.sector() < io.end() && io.sector() < other.end());
  }

  @GuardedBy("lock")
  private void fly(NbdRequest request) {
    request.begin(++cookies, scheduler.nanoTime(), unflushed.mark());
    inFlight.put(request.cookie(), request);
  }

  /** What must be made again before anything else, in groups that must follow one another. */
  List<List<UnflushedWrites.Kept>> unflushed() {
    lock.lock();
    try {
      return unflushed.groups();
    } finally {
      lock.unlock();
    }
  }

  /** Notes requests as sent, to repeat changes. */
  void repeat(List<NbdRequest> requests) {
    lock.lock();
    try {
      requests.forEach(this::fly);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until all that was sent is answered.
   *
   * @throws IOException when the connection fails before
   */
  void awaitAnswers() throws IOException {
    lock.lock();
    try {
      while (alive && !inFlight.isEmpty()) {
        changed.awaitUninterruptibly();
      }
      if (!alive) {
        throw new IOException(lost);
      }
    } finally {
      lock.unlock();
    }
  }

  // --- receiving --------------------------------------------------------------------------------

  /** The request with this cookie; null if none waits for an answer. Something was received. */
  @Nullable NbdRequest find(long cookie) {
    lock.lock();
    try {
      lastReceived = scheduler.nanoTime();
      return inFlight.get(cookie);
    } finally {
      lock.unlock();
    }
  }

  /** Since when nothing was received although an answer is due; empty if none is due. */
  OptionalLong silentSince() {
    lock.lock();
    try {
      Iterator<NbdRequest> oldest = inFlight.values().iterator();
      return oldest.hasNext()
          ? OptionalLong.of(lastReceived - Math.min(0, lastReceived - oldest.next().sentAt()))
          : OptionalLong.empty();
    } finally {
      lock.unlock();
    }
  }

  /** A request was answered, and is completed here. */
  void answered(NbdRequest request) {
    Io io = request.io();
    IoError error = request.outcome();
    List<NbdRequest> durable = new ArrayList<>();
    boolean completes = true;
    lock.lock();
    try {
      inFlight.remove(request.cookie());
      if (io.op() == Io.Op.FLUSH) {
        flushed(request, error, durable);
      } else if (request.repeats()) {
        if (error != null) {
          fail(error);
        }
      } else if (keeps && io.modifies() && error == null) {
        completes = isDurable(io) || keep(request);
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    durable.forEach(write -> write.io().complete(error));
    if (error != null) {
      LOG.error("{}: {}: {}", name, io, error.message());
    }
    if (completes) {
      io.complete(error);
    }
  }

  /** A durable write must be repeated all the same after an older one that is. */
  @GuardedBy("lock")
  private boolean isDurable(Io io) {
    return io.fua() && unflushed.isEmpty();
  }

  /** Keeps a change, or holds it until it is flushed; then it is not completed yet. */
  @GuardedBy("lock")
  private boolean keep(NbdRequest request) {
    boolean kept = unflushed.add(request.io());
    if (!kept) {
      held.add(new Held(unflushed.skip(), request));
    }
    if (!kept || unflushed.isHalfFull()) {
      flushSoon();
    }
    return kept;
  }

  @GuardedBy("lock")
  private void flushSoon() {
    if (!flushing) {
      flushing = true;
      waiting.addFirst(new NbdRequest(Io.flush(this::flushedOurselves), false));
    }
  }

  private void flushedOurselves(Io flush, @Nullable IoError error) {
    lock.lock();
    try {
      flushing = false;
      if (!held.isEmpty() && broken == null) {
        flushSoon();
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void flushed(NbdRequest flush, @Nullable IoError error, List<NbdRequest> ended) {
    if (error == null) {
      unflushed.flushed(flush.mark());
    } else {
      fail(error);
    }
    while (!held.isEmpty() && (error != null || held.element().number() < flush.mark())) {
      ended.add(held.remove().request());
    }
  }

  /** It is unknown what the server has. */
  @GuardedBy("lock")
  private void fail(IoError error) {
    if (broken == null) {
      broken =
          IoError.of(
              IoError.Kind.IO,
              name + ": a flush failed, read-only from here on: " + error.message());
      LOG.error("{}", broken.message());
    }
  }
}
