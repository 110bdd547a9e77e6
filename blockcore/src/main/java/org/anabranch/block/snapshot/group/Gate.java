// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.RelievedThread;

/** An event that happens once, and the actions waiting for it. Guarded by the group's lock. */
final class Gate {
  private final DeferringLock lock;
  private final List<Runnable> waiting = new ArrayList<>(1);
  private boolean open;

  Gate(DeferringLock lock) {
    this.lock = lock;
  }

  /**
   * Runs {@code then} without the lock, once the gate is open: now, or later by {@link
   * RelievedThread#backHere}.
   */
  void await(Runnable then) {
    if (open) {
      lock.after(then);
    } else {
      waiting.add(RelievedThread.backHere(then));
    }
  }

  void open() {
    open = true;
    waiting.forEach(lock::after);
    waiting.clear();
  }

  boolean isOpen() {
    return open;
  }
}
