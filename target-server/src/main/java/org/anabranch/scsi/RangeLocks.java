// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Keeps writes out of the blocks of a command that must read and write them as one: COMPARE AND
 * WRITE and ORWRITE (SBC-3 4.25). Writers share, such a command excludes; whoever must wait is
 * queued, and nobody overtakes one that waits for the same blocks.
 *
 * <pre>
 *                 shared (any write)   exclusive
 *   shared        go                   wait
 *   exclusive     wait                 wait
 * </pre>
 *
 * <p>A sanitize seizes all blocks: for so long nobody waits. Who does when it comes, and who comes
 * until it is over, is refused; it begins when those are done that go already.
 *
 * <p>One lock guards everything; nothing is called while it is held. The queue is bounded by the
 * task set: each waiter is a task.
 */
final class RangeLocks {
  private record Waiter(
      long start, long end, boolean exclusive, Runnable granted, Runnable refused) {}

  private final Object lock = new Object();
  private final Executor executor;

  /** The granted ranges, unordered, {@code count} of them. */
  private long[] starts = new long[16];

  private long[] ends = new long[16];
  private boolean[] exclusives = new boolean[16];
  private int count;

  private final Deque<Waiter> waiters = new ArrayDeque<>();

  private boolean seized;

  /** Who seized the blocks, until the last of those that go is done. */
  private @Nullable Runnable seizer;

  /**
   * @param executor runs those who had to wait
   */
  RangeLocks(Executor executor) {
    this.executor = executor;
  }

  /** Takes blocks {@code start} up to {@code end} if nobody is in the way. */
  boolean tryAcquire(long start, long end, boolean exclusive) {
    synchronized (lock) {
      if (seized || conflicts(start, end, exclusive) || overlapsWaiter(start, end, exclusive)) {
        return false;
      }
      grant(start, end, exclusive);
      return true;
    }
  }

  /**
   * Takes the blocks and calls {@code granted}, or {@code refused} if they are seized: here, or
   * later on the executor.
   */
  void acquire(long start, long end, boolean exclusive, Runnable granted, Runnable refused) {
    Runnable answer = refused;
    synchronized (lock) {
      if (!seized) {
        if (conflicts(start, end, exclusive) || overlapsWaiter(start, end, exclusive)) {
          waiters.add(new Waiter(start, end, exclusive, granted, refused));
          return;
        }
        grant(start, end, exclusive);
        answer = granted;
      }
    }
    answer.run();
  }

  /**
   * Seizes all blocks until {@link #giveUp}; they must not be seized already.
   *
   * @param granted called on the executor when nobody else has any
   */
  void seize(Runnable granted) {
    List<Runnable> next = new ArrayList<>();
    synchronized (lock) {
      seized = true;
      waiters.forEach(waiter -> next.add(waiter.refused));
      waiters.clear();
      if (count == 0) {
        next.add(granted);
      } else {
        seizer = granted;
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

  /** Gives back what was taken with the same three values. */
  void release(long start, long end, boolean exclusive) {
    List<Runnable> next;
    synchronized (lock) {
      remove(start, end, exclusive);
      if (count == 0 && seizer != null) {
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

  private List<Runnable> grantWaiters() {
    List<Runnable> granted = new ArrayList<>();
    List<Waiter> still = new ArrayList<>();
    for (Iterator<Waiter> each = waiters.iterator(); each.hasNext(); ) {
      Waiter waiter = each.next();
      boolean behind =
          still.stream()
              .anyMatch(before ->
                  (before.exclusive || waiter.exclusive)
                      && before.start < waiter.end
                      && waiter.start < before.end);
      if (behind || conflicts(waiter.start, waiter.end, waiter.exclusive)) {
        still.add(waiter);
      } else {
        grant(waiter.start, waiter.end, waiter.exclusive);
        granted.add(waiter.granted);
        each.remove();
      }
    }
    return granted;
  }

  private boolean conflicts(long start, long end, boolean exclusive) {
    for (int i = 0; i < count; i++) {
      if ((exclusive || exclusives[i]) && starts[i] < end && start < ends[i]) {
        return true;
      }
    }
    return false;
  }

  private boolean overlapsWaiter(long start, long end, boolean exclusive) {
    for (Waiter waiter : waiters) {
      if ((exclusive || waiter.exclusive) && waiter.start < end && start < waiter.end) {
        return true;
      }
    }
    return false;
  }

  private void grant(long start, long end, boolean exclusive) {
    if (count == starts.length) {
      starts = Arrays.copyOf(starts, 2 * count);
      ends = Arrays.copyOf(ends, 2 * count);
      exclusives = Arrays.copyOf(exclusives, 2 * count);
    }
    starts[count] = start;
    ends[count] = end;
    exclusives[count] = exclusive;
    count++;
  }

  private void remove(long start, long end, boolean exclusive) {
    for (int i = 0; i < count; i++) {
      if (starts[i] == start && ends[i] == end && exclusives[i] == exclusive) {
        count--;
        starts[i] = starts[count];
        ends[i] = ends[count];
        exclusives[i] = exclusives[count];
        return;
      }
    }
    throw new IllegalStateException("blocks " + start + " to " + end + " are not taken");
  }
}
