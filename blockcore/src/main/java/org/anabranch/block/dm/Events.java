// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.Scheduler;

/**
 * A device's event number, the callers waiting for it to rise ({@code dmsetup wait}), and its
 * listeners. Any thread.
 */
final class Events {
  /** The largest number of waiters, and of listeners, of one device. */
  static final int MAX = 1024;

  private record Waiter(long seen, CompletableFuture<Long> done) {}

  private final Scheduler scheduler;

  @GuardedBy("this")
  private long number;

  @GuardedBy("this")
  private boolean ended;

  /** Whether tell() has been scheduled. */
  @GuardedBy("this")
  private boolean telling;

  @GuardedBy("this")
  private final List<Waiter> waiters = new ArrayList<>();

  @GuardedBy("this")
  private final List<DeviceListener> listeners = new ArrayList<>();

  Events(Scheduler scheduler) {
    this.scheduler = scheduler;
  }

  synchronized long number() {
    return number;
  }

  /** Raises the number. May be called with a lock held: waiters and listeners are called later. */
  synchronized void raise() {
    number++;
    schedule();
  }

  /** Schedules {@link #tell} if anybody waits or listens. */
  @GuardedBy("this")
  private void schedule() {
    if (!telling && (!waiters.isEmpty() || !listeners.isEmpty())) {
      telling = true;
      scheduler.execute(this::tell);
    }
  }

  private void tell() {
    List<Waiter> due = new ArrayList<>();
    List<DeviceListener> told;
    long now;
    boolean last;
    synchronized (this) {
      telling = false;
      now = number;
      last = ended;
      waiters.removeIf(waiter -> waiter.seen < now && due.add(waiter));
      told = List.copyOf(listeners);
      if (last) {
        listeners.clear();
      }
    }
    due.forEach(waiter -> waiter.done.complete(now));
    for (DeviceListener listener : told) {
      if (last) {
        listener.removed();
      } else {
        listener.event(now);
      }
    }
  }

  /**
   * Completes with the number as soon as it exceeds {@code seen}; fails when the device is removed.
   * Cancelling the future frees its place at once.
   */
  synchronized CompletableFuture<Long> awaitAbove(long seen) {
    if (ended) {
      return CompletableFuture.failedFuture(noDevice());
    }
    if (number > seen) {
      return CompletableFuture.completedFuture(number);
    }
    if (waiters.size() == MAX) {
      return CompletableFuture.failedFuture(
          new TableException("Resource temporarily unavailable: " + MAX + " wait"));
    }
    Waiter waiter = new Waiter(seen, new CompletableFuture<>());
    waiters.add(waiter);
    var _ = waiter.done.whenComplete((event, failure) -> forget(waiter));
    return waiter.done;
  }

  private synchronized void forget(Waiter waiter) {
    waiters.remove(waiter);
  }

  /** The number of waiters. */
  synchronized int waiting() {
    return waiters.size();
  }

  /** Adds a listener. */
  synchronized Registration listen(DeviceListener listener) throws TableException {
    if (listeners.size() == MAX) {
      throw new TableException("Resource temporarily unavailable: " + MAX + " listen");
    }
    listeners.add(listener);
    if (ended) {
      schedule();
    }
    return () -> remove(listener);
  }

  private synchronized void remove(DeviceListener listener) {
    listeners.remove(listener);
  }

  /** Ends all waits and listeners, since the device was removed. Call it without a lock. */
  void end() {
    List<Waiter> left;
    synchronized (this) {
      ended = true;
      left = List.copyOf(waiters);
      waiters.clear();
      schedule();
    }
    left.forEach(waiter -> waiter.done.completeExceptionally(noDevice()));
  }

  private static TableException noDevice() {
    return new TableException("No such device or address");
  }
}
