// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;

/**
 * Accounts for the memory of command data over all sessions. It counts bytes and does not allocate
 * them. Everything granted to an initiator (an R2T, a place in the command window) is reserved here
 * first.
 *
 * <p>Reservations are served in order. While one waits, no later one is granted, and sessions give
 * back places of their windows. Any thread; the lock is held for a few instructions.
 */
public final class DataMemory {
  /** A reservation that waits. */
  public static final class Waiter {
    private final long bytes;
    private final Executor executor;
    private final Runnable granted;

    private Waiter(long bytes, Executor executor, Runnable granted) {
      this.bytes = bytes;
      this.executor = executor;
      this.granted = granted;
    }
  }

  @GuardedBy("this")
  private long capacity;

  private final long kept;

  @GuardedBy("this")
  private long free;

  /** Approximately {@code free}, to be read without the lock; written under it. */
  private volatile long lastFree;

  /** Bounded by the commands in all windows. */
  @GuardedBy("this")
  private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();

  /** Written under the lock. */
  private volatile boolean contended;

  public DataMemory(long capacity) {
    this(capacity, 0);
  }

  /**
   * Some of which is only for those who have nothing yet.
   *
   * @param kept bytes that {@link #spare} leaves out
   */
  public DataMemory(long capacity, long kept) {
    this.capacity = capacity;
    this.kept = kept;
    this.free = capacity;
    this.lastFree = capacity;
  }

  public synchronized long capacity() {
    return capacity;
  }

  /**
   * Changes how much there is. What is reserved stays so: after a cut below that, {@code free} is
   * negative and nothing is granted until enough has come back.
   */
  public synchronized void capacity(long bytes) {
    free += bytes - capacity;
    capacity = bytes;
    serve();
  }

  /** About how much is free now. */
  public long free() {
    return lastFree;
  }

  /** About how much is free for those who have some already. */
  public long spare() {
    return Math.max(lastFree - kept, 0);
  }

  /** Somebody waits. */
  public boolean isContended() {
    return contended;
  }

  /** Reserves at once or not at all. */
  public synchronized boolean tryReserve(long bytes) {
    if (!waiters.isEmpty() || bytes > free) {
      return false;
    }
    free -= bytes;
    lastFree = free;
    return true;
  }

  /**
   * Queues for a reservation of at most the capacity. {@code granted} runs on {@code executor},
   * never inside this call; the waiter then owns the bytes.
   */
  public synchronized Waiter await(long bytes, Executor executor, Runnable granted) {
    Waiter waiter = new Waiter(bytes, executor, granted);
    waiters.add(waiter);
    serve();
    return waiter;
  }

  /**
   * Takes a waiter out of the queue.
   *
   * @return false if it was granted already: {@code granted} has run or will, and the bytes are the
   *     caller's
   */
  public synchronized boolean cancel(Waiter waiter) {
    boolean waiting = waiters.remove(waiter);
    serve();
    return waiting;
  }

  public synchronized void release(long bytes) {
    if (bytes > capacity - free) {
      throw new IllegalStateException("more memory released than reserved");
    }
    free += bytes;
    serve();
  }

  @GuardedBy("this")
  private void serve() {
    // One that came before a cut may want more than there is by now: it gets its turn alone.
    while (!waiters.isEmpty() && (waiters.peek().bytes <= free || free == capacity)) {
      Waiter waiter = waiters.remove();
      free -= waiter.bytes;
      waiter.executor.execute(waiter.granted);
    }
    lastFree = free;
    contended = !waiters.isEmpty();
  }
}
