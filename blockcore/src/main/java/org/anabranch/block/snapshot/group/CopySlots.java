// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.ArrayDeque;
import org.anabranch.block.DeferringLock;

/**
 * Bounds the copies that are in flight for one origin. A new request that needs a copy and finds no
 * free slot waits here, as an object, without a lock; one that has begun to be served, and the
 * merge, go on regardless. Guarded by the group's lock.
 */
final class CopySlots {
  private final DeferringLock lock;
  private final int most;
  private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
  private int inFlight;

  CopySlots(DeferringLock lock, int most) {
    this.lock = lock;
    this.most = most;
  }

  boolean free() {
    return inFlight < most;
  }

  /** Runs {@code retry} without the lock when a slot may be free. */
  void await(Runnable retry) {
    waiting.add(retry);
  }

  void begin() {
    inFlight++;
  }

  void end() {
    inFlight--;
    wake();
  }

  /** One after another, since one that was woken may find that it needs no copy any more. */
  private void wake() {
    if (free() && !waiting.isEmpty()) {
      Runnable retry = waiting.remove();
      lock.after(() -> {
        retry.run();
        lock.run(this::wake);
      });
    }
  }

  int inFlight() {
    return inFlight;
  }
}
