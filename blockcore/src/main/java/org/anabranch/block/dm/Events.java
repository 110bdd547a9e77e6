// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.Scheduler;
import org.jspecify.annotations.Nullable;

/** A device's event number, and those who wait for it to rise ({@code dmsetup wait}). */
final class Events {
  /** The most that may wait on one device. */
  static final int MAX_WAITING = 1024;

  private record Waiter(long seen, CompletableFuture<Long> done) {}

  private final Scheduler scheduler;
  private long number; // guarded by this
  private @Nullable List<Waiter> waiters = new ArrayList<>(); // guarded by this; null: ended

  Events(Scheduler scheduler) {
    this.scheduler = scheduler;
  }

  synchronized long number() {
    return number;
  }

  /** Raises the number. Safe to call with a lock held: the waiters are told later. */
  void raise() {
    long now;
    List<Waiter> told = new ArrayList<>();
    synchronized (this) {
      now = ++number;
      if (waiters == null) {
        return;
      }
      waiters.removeIf(waiter -> waiter.seen < now && told.add(waiter));
    }
    if (!told.isEmpty()) {
      scheduler.execute(() -> told.forEach(waiter -> waiter.done.complete(now)));
    }
  }

  /** Gives the number as soon as it exceeds {@code seen}; fails when the device is removed. */
  CompletionStage<Long> awaitAbove(long seen) {
    synchronized (this) {
      if (waiters == null) {
        return CompletableFuture.failedFuture(noDevice());
      }
      if (number > seen) {
        return CompletableFuture.completedFuture(number);
      }
      waiters.removeIf(waiter -> waiter.done.isDone()); // somebody gave up
      if (waiters.size() == MAX_WAITING) {
        return CompletableFuture.failedFuture(
            new TableException("Resource temporarily unavailable: " + MAX_WAITING + " wait"));
      }
      Waiter waiter = new Waiter(seen, new CompletableFuture<>());
      waiters.add(waiter);
      return waiter.done;
    }
  }

  /** Nobody waits any more: the device is removed. */
  void end() {
    List<Waiter> told;
    synchronized (this) {
      if (waiters == null) {
        return;
      }
      told = waiters;
      waiters = null;
    }
    told.forEach(waiter -> waiter.done.completeExceptionally(noDevice()));
  }

  private static TableException noDevice() {
    return new TableException("No such device or address");
  }
}
