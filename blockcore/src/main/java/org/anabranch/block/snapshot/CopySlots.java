// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.util.ArrayDeque;
import org.anabranch.block.DeferringLock;

/**
 * Bounds the copies that are in flight for one origin. A new request that needs a copy and finds no
 * free slot waits here, as an object, without a lock; one that has begun to be served, and the
 * merge, go on regardless. Guarded by the group's lock.
 */
final class CopySlots {
  static final int MOST = 2048;

  private final DeferringLock lock;
  private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
  private int inFlight;

  CopySlots(DeferringLock lock) {
    this.lock = lock;
  }

  boolean free() {
    return inFlight < MOST;
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
    for (int left = MOST - inFlight; left > 0 && !waiting.isEmpty(); left--) {
      lock.after(waiting.remove());
    }
  }

  int inFlight() {
    return inFlight;
  }
}
