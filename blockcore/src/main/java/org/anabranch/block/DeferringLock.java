// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A lock that postpones actions until it is released: decide under the lock, act afterwards.
 *
 * <p>No request may be submitted or completed while a lock is held: its completion might take the
 * same lock, or run for a long time. So the holder of this lock passes such actions to {@link
 * #after}, and {@link #leave} runs them in order once the lock is released. If the thread is
 * already running postponed actions, new ones are appended to those; a device that completes inside
 * {@code submit} therefore causes a loop, not a recursion.
 *
 * <p>The lock is not reentrant. It is held for short, bounded work only, and nothing may wait while
 * holding it.
 */
public final class DeferringLock {
  private final ReentrantLock lock = new ReentrantLock();

  /** Guarded by {@link #lock}. */
  private List<Runnable> actions = new ArrayList<>();

  /** The actions that this thread is running, in order; null if none. Shared by all locks. */
  private static final ThreadLocal<@Nullable ArrayDeque<Runnable>> DOING = new ThreadLocal<>();

  /** Takes the lock. */
  public void enter() {
    if (lock.isHeldByCurrentThread()) {
      throw new IllegalStateException("entered twice");
    }
    lock.lock();
  }

  /** Releases the lock and runs the postponed actions. */
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

  /** Postpones {@code action} until the lock is released. The lock must be held. */
  public void after(Runnable action) {
    checkHeld();
    actions.add(action);
  }

  /** Postpones submitting {@code io} to {@code device}. The lock must be held. */
  public void submit(BlockDevice device, Io io) {
    after(() -> device.submit(io));
  }

  /** Postpones completing {@code io}. The lock must be held. */
  public void complete(Io io, @Nullable IoError error) {
    after(() -> io.complete(error));
  }

  /** Returns a completion for a request's creator that runs {@code next} with the lock held. */
  public IoCompletion locked(Consumer<@Nullable IoError> next) {
    return (io, error) -> run(() -> next.accept(error));
  }

  /** Throws if the calling thread does not hold the lock. */
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
        // The remaining actions belong to other requests and still run.
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
