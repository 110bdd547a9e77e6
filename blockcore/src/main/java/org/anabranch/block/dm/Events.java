// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.Scheduler;

/**
 * A device's event number, those who wait for it to rise ({@code dmsetup wait}), and those who
 * listen. Any thread.
 */
final class Events {
  /** The most that may wait, and the most that may listen, on one device. */
  static final int MAX = 1024;

  private record Waiter(long seen, CompletableFuture<Long> done) {}

  private final Scheduler scheduler;
  private long number; // guarded by this
  private boolean ended; // guarded by this
  private boolean telling; // whether tell() has been scheduled; guarded by this
  private final List<Waiter> waiters = new ArrayList<>(); // guarded by this
  private final List<DeviceListener> listeners = new ArrayList<>(); // guarded by this

  Events(Scheduler scheduler) {
    this.scheduler = scheduler;
  }

  synchronized long number() {
    return number;
  }

  /** Raises the number. May be called with a lock held: waiters and listeners are told later. */
  synchronized void raise() {
    number++;
    schedule();
  }

  /** Schedules {@link #tell} if there is somebody to be told. With this locked. */
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
   * Gives the number as soon as it exceeds {@code seen}; fails when the device is removed. Whoever
   * gives up cancels the future, which frees its place at once.
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

  /** How many wait. */
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

  /** The device is removed: nobody waits or listens any more. Without a lock. */
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
