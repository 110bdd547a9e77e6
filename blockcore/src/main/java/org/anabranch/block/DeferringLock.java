// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A lock under which one decides, and after which one acts.
 *
 * <p>No request may be submitted or completed with a lock held: its completion might want the lock,
 * or run for long. So whoever holds this lock gives what is to be done to {@link #after}, and
 * {@link #leave} does it, in that order, once the lock is released. Actions given while the same
 * thread is already doing some are appended to those, so a device that completes inside {@code
 * submit} makes a loop, not a recursion.
 *
 * <p>The lock is not reentrant and is held for short, bounded work only; nobody waits for anything
 * else while holding it.
 */
public final class DeferringLock {
  private final ReentrantLock lock = new ReentrantLock();

  /** Guarded by {@link #lock}. */
  private List<Runnable> actions = new ArrayList<>();

  /** The actions that a thread is doing, in order; null when it does none. One for all locks. */
  private static final ThreadLocal<@Nullable ArrayDeque<Runnable>> DOING = new ThreadLocal<>();

  /** Takes the lock. */
  public void enter() {
    if (lock.isHeldByCurrentThread()) {
      throw new IllegalStateException("entered twice");
    }
    lock.lock();
  }

  /** Releases the lock and does what was put off meanwhile. */
  public void leave() {
    if (actions.isEmpty()) {
      lock.unlock();
      return;
    }
    List<Runnable> due = actions;
    actions = new ArrayList<>();
    lock.unlock();
    act(due);
  }

  /** Runs {@code work} with the lock held. */
  public void run(Runnable work) {
    enter();
    try {
      work.run();
    } finally {
      leave();
    }
  }

  /** Puts {@code action} off until the lock is released. With the lock held. */
  public void after(Runnable action) {
    checkHeld();
    actions.add(action);
  }

  /** Puts off submitting {@code io} to {@code device}. With the lock held. */
  public void submit(BlockDevice device, Io io) {
    after(() -> device.submit(io));
  }

  /** Puts off completing {@code io}. With the lock held. */
  public void complete(Io io, @Nullable IoError error) {
    after(() -> io.complete(error));
  }

  /** A completion, for a request's creator, that runs {@code next} with the lock held. */
  public IoCompletion locked(Consumer<@Nullable IoError> next) {
    return (io, error) -> run(() -> next.accept(error));
  }

  /** Fails if the calling thread does not hold the lock. */
  public void checkHeld() {
    if (!lock.isHeldByCurrentThread()) {
      throw new IllegalStateException("lock not held");
    }
  }

  private static void act(List<Runnable> due) {
    ArrayDeque<Runnable> doing = DOING.get();
    if (doing != null) {
      doing.addAll(due);
      return;
    }
    doing = new ArrayDeque<>(due);
    DOING.set(doing);
    Throwable failure = null;
    for (Runnable next; (next = doing.poll()) != null; ) {
      try {
        next.run();
      } catch (RuntimeException | Error e) {
        // The others are somebody else's requests: they go on.
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    DOING.remove();
    if (failure instanceof RuntimeException e) {
      throw e;
    } else if (failure instanceof Error e) {
      throw e;
    }
  }
}
