// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.ArrayDeque;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.RelievedThread;

/**
 * Limits the copies in flight for one origin. A new request that needs a copy and finds no free
 * slot is queued here. Requests that are already being served, and the merge, ignore the limit.
 * Guarded by the group's lock.
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

  /**
   * Runs {@code retry} without the lock when a slot may be free, by {@link
   * RelievedThread#backHere}.
   */
  void await(Runnable retry) {
    waiting.add(
        RelievedThread.backHere(() -> {
          retry.run();
          lock.run(this::wake);
        }));
  }

  void begin() {
    inFlight++;
  }

  void end() {
    inFlight--;
    wake();
  }

  /** Wakes one at a time, since the woken request may no longer need a copy. */
  private void wake() {
    if (free() && !waiting.isEmpty()) {
      lock.after(waiting.remove());
    }
  }

  int inFlight() {
    return inFlight;
  }
}
