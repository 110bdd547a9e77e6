// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.concurrent.Executor;

/**
 * Accounts for the memory of command data over all sessions. It counts bytes and does not allocate
 * them. Everything granted to an initiator (an R2T, a place in the command window) is reserved here
 * first.
 *
 * <p>Each session has an {@link Account}. What an account holds is at most what is left for others,
 * so one session gets half of the memory, each of two a third, and each of ten an eleventh; a part
 * of it, {@code 1/}{@value #LEAST_PART}, it may hold in any case. A reservation for which there is
 * no memory now waits; those of one account are served in order, accounts take turns, and those
 * that hold nothing come first. Whoever waits for more than its share holds nobody up.
 *
 * <p>Any thread; the lock is held for a few instructions, and while some wait for a look at each
 * account that waits.
 */
public final class DataMemory {
  /** An account may hold this part of the memory in any case. */
  private static final int LEAST_PART = 128;

  /** The first reservation of an account that holds nothing may be this part of the memory. */
  private static final int FIRST_PART = 16;

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

  /** What one session holds and waits for. Guarded by the lock of the memory. */
  public final class Account {
    private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();
    private long held;

    private Account() {}

    /** Reserves at once or not at all. */
    public boolean tryReserve(long bytes) {
      return DataMemory.this.tryReserve(this, bytes);
    }

    /**
     * Queues for a reservation of at most the capacity. {@code granted} runs on {@code executor},
     * never inside this call; the waiter then owns the bytes.
     */
    public Waiter await(long bytes, Executor executor, Runnable granted) {
      return DataMemory.this.await(this, new Waiter(bytes, executor, granted));
    }

    /**
     * Takes a waiter out of the queue.
     *
     * @return false if it was granted already: {@code granted} has run or will, and the bytes are
     *     the caller's
     */
    public boolean cancel(Waiter waiter) {
      return DataMemory.this.cancel(this, waiter);
    }

    public void release(long bytes) {
      DataMemory.this.release(this, bytes);
    }
  }

  @GuardedBy("this")
  private long capacity;

  @GuardedBy("this")
  private long free;

  /** Approximately {@code free}, to be read without the lock; written under it. */
  private volatile long lastFree;

  /** The accounts that wait, whose turn is next first. Their waiters are bounded by the windows. */
  @GuardedBy("this")
  private final SequencedSet<Account> waiting = new LinkedHashSet<>();

  /** How many accounts hold something. */
  @GuardedBy("this")
  private int holders;

  /** Written under the lock. */
  private volatile boolean contended;

  public DataMemory(long capacity) {
    this.capacity = capacity;
    this.free = capacity;
    this.lastFree = capacity;
  }

  /** An account of a session, which holds nothing. */
  public Account account() {
    return new Account();
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

  /** Somebody waits who has less than its share. */
  public boolean isContended() {
    return contended;
  }

  /** Reserves at once or not at all, for no account and without regard to shares. */
  public synchronized boolean tryReserve(long bytes) {
    if (!waiting.isEmpty() || bytes > free) {
      return false;
    }
    free -= bytes;
    lastFree = free;
    return true;
  }

  /** Releases what was reserved for no account. */
  public synchronized void release(long bytes) {
    give(bytes);
    serve();
  }

  private synchronized boolean tryReserve(Account account, long bytes) {
    if (!account.waiters.isEmpty() || !fits(account, bytes)) {
      return false;
    }
    take(account, bytes);
    lastFree = free;
    return true;
  }

  private synchronized Waiter await(Account account, Waiter waiter) {
    account.waiters.add(waiter);
    waiting.add(account);
    serve();
    return waiter;
  }

  private synchronized boolean cancel(Account account, Waiter waiter) {
    boolean was = account.waiters.remove(waiter);
    if (account.waiters.isEmpty()) {
      waiting.remove(account);
    }
    serve();
    return was;
  }

  private synchronized void release(Account account, long bytes) {
    if (bytes > account.held) {
      throw new IllegalStateException("more memory released than reserved");
    }
    account.held -= bytes;
    if (account.held == 0 && bytes > 0) {
      holders--;
    }
    give(bytes);
    serve();
  }

  /** Whether an account can have more now. What came before a cut may need all there is. */
  @GuardedBy("this")
  private boolean fits(Account account, long bytes) {
    long least = capacity / (account.held == 0 ? FIRST_PART : LEAST_PART);
    long most = Math.max(least, free - bytes);
    return (bytes <= free && account.held + bytes <= most) || free == capacity;
  }

  @GuardedBy("this")
  private void take(Account account, long bytes) {
    if (account.held == 0 && bytes > 0) {
      holders++;
    }
    account.held += bytes;
    free -= bytes;
  }

  @GuardedBy("this")
  private void give(long bytes) {
    if (bytes > capacity - free) {
      throw new IllegalStateException("more memory released than reserved");
    }
    free += bytes;
  }

  @GuardedBy("this")
  private void serve() {
    boolean granted = !waiting.isEmpty();
    while (granted) {
      granted = false;
      List<Account> turn = new ArrayList<>(waiting);
      turn.sort(Comparator.comparing((Account account) -> account.held > 0)); // keeps the order
      for (Account account : turn) {
        Waiter first = account.waiters.element();
        if (fits(account, first.bytes)) {
          granted = true;
          grant(account);
        }
      }
    }
    lastFree = free;
    long share = capacity / (holders + 1);
    contended =
        !waiting.isEmpty()
            && waiting.stream()
                .anyMatch(account ->
                    account.held == 0 || account.held + account.waiters.element().bytes <= share);
  }

  /** Grants the first reservation that an account waits for; the next turn is another's. */
  @GuardedBy("this")
  private void grant(Account account) {
    Waiter waiter = account.waiters.remove();
    take(account, waiter.bytes);
    waiting.remove(account);
    if (!account.waiters.isEmpty()) {
      waiting.add(account);
    }
    waiter.executor.execute(waiter.granted);
  }
}
