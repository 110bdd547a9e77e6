// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keeps writes out of the blocks of an atomic command: COMPARE AND WRITE and ORWRITE (SBC-3 4.25).
 * Writes share blocks; an atomic command excludes all others. Requests that must wait are queued,
 * and no request overtakes an older one for the same blocks.
 *
 * <pre>
 *                 shared (any write)   exclusive
 *   shared        go                   wait
 *   exclusive     wait                 wait
 * </pre>
 *
 * <p>A sanitize seizes all blocks. Requests that wait are then refused, and so are new ones until
 * it ends. It begins when all granted requests have been released.
 *
 * <p>One lock guards everything; nothing is called while it is held. The queue is bounded by the
 * task set: each waiter is a task.
 */
public final class RangeLocks {
  /** Whether others may hold the same blocks. */
  public enum Mode {
    SHARED,
    EXCLUSIVE
  }

  /** Blocks that were taken, until they are released. */
  public final class Hold {
    private final long start;
    private final long end;
    private final Mode mode;

    /** Where it is among those granted, -1 when it is released; under the lock. */
    private int index = -1;

    private Hold(long start, long end, Mode mode) {
      this.start = start;
      this.end = end;
      this.mode = mode;
    }

    private boolean excludes(Hold other) {
      return (mode == Mode.EXCLUSIVE || other.mode == Mode.EXCLUSIVE)
          && start < other.end
          && other.start < end;
    }

    /** Gives the blocks back; once. */
    public void release() {
      RangeLocks.this.release(this);
    }
  }

  private record Waiter(Hold wanted, Consumer<Hold> granted, Runnable refused) {}

  private final Object lock = new Object();
  private final Executor executor;

  /** Unordered. */
  @GuardedBy("lock")
  private final List<Hold> granted = new ArrayList<>();

  @GuardedBy("lock")
  private final Deque<Waiter> waiters = new ArrayDeque<>();

  @GuardedBy("lock")
  private boolean seized;

  /** Begins the sanitize; set until the last granted request is released. */
  @GuardedBy("lock")
  private @Nullable Runnable seizer;

  /**
   * @param executor runs requests that had to wait
   */
  RangeLocks(Executor executor) {
    this.executor = executor;
  }

  /** Locks blocks {@code start} to {@code end} (exclusive); null if that would have to wait. */
  public @Nullable Hold tryAcquire(long start, long end, Mode mode) {
    Hold wanted = new Hold(start, end, mode);
    synchronized (lock) {
      if (seized || conflicts(wanted) || overlapsWaiter(wanted)) {
        return null;
      }
      grant(wanted);
      return wanted;
    }
  }

  /**
   * Locks the blocks and passes the hold to {@code taker}, or calls {@code refused} if they are
   * seized. Calls it here, or later on the executor.
   */
  public void acquire(long start, long end, Mode mode, Consumer<Hold> taker, Runnable refused) {
    Hold wanted = new Hold(start, end, mode);
    boolean isGranted;
    synchronized (lock) {
      if (!seized && (conflicts(wanted) || overlapsWaiter(wanted))) {
        waiters.add(new Waiter(wanted, taker, refused));
        return;
      }
      isGranted = !seized;
      if (isGranted) {
        grant(wanted);
      }
    }
    if (isGranted) {
      taker.accept(wanted);
    } else {
      refused.run();
    }
  }

  /**
   * Seizes all blocks until {@link #giveUp}; they must not be seized already.
   *
   * @param alone called on the executor when no other hold is left
   */
  void seize(Runnable alone) {
    List<Runnable> next = new ArrayList<>();
    synchronized (lock) {
      seized = true;
      waiters.forEach(waiter -> next.add(waiter.refused));
      waiters.clear();
      if (granted.isEmpty()) {
        next.add(alone);
      } else {
        seizer = alone;
      }
    }
    next.forEach(executor::execute);
  }

  /** Gives back what was seized. */
  void giveUp() {
    synchronized (lock) {
      seized = false;
    }
  }

  private void release(Hold hold) {
    List<Runnable> next;
    synchronized (lock) {
      remove(hold);
      if (granted.isEmpty() && seizer != null) {
        next = List.of(seizer);
        seizer = null;
      } else if (waiters.isEmpty()) {
        return;
      } else {
        next = grantWaiters();
      }
    }
    next.forEach(executor::execute);
  }

  @GuardedBy("lock")
  private List<Runnable> grantWaiters() {
    List<Runnable> next = new ArrayList<>();
    List<Hold> still = new ArrayList<>();
    for (Iterator<Waiter> each = waiters.iterator(); each.hasNext(); ) {
      Waiter waiter = each.next();
      Hold wanted = waiter.wanted;
      if (conflicts(wanted) || still.stream().anyMatch(wanted::excludes)) {
        still.add(wanted);
      } else {
        grant(wanted);
        next.add(() -> waiter.granted.accept(wanted));
        each.remove();
      }
    }
    return next;
  }

  @GuardedBy("lock")
  private boolean conflicts(Hold wanted) {
    for (int i = 0; i < granted.size(); i++) { // no iterator: every write comes here
      if (granted.get(i).excludes(wanted)) {
        return true;
      }
    }
    return false;
  }

  @GuardedBy("lock")
  private boolean overlapsWaiter(Hold wanted) {
    for (Waiter waiter : waiters) {
      if (waiter.wanted.excludes(wanted)) {
        return true;
      }
    }
    return false;
  }

  @GuardedBy("lock")
  private void grant(Hold hold) {
    hold.index = granted.size();
    granted.add(hold);
  }

  /** The last one takes its place. */
  @GuardedBy("lock")
  private void remove(Hold hold) {
    if (hold.index < 0) {
      throw new IllegalStateException(
          "blocks " + hold.start + " to " + hold.end + " are not taken");
    }
    Hold last = granted.removeLast();
    if (last != hold) {
      granted.set(hold.index, last);
      last.index = hold.index;
    }
    hold.index = -1;
  }
}
