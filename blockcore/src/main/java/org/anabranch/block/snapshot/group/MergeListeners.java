// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Scheduler;
import org.anabranch.block.dm.Registration;
import org.anabranch.block.snapshot.MergeHandle;

/** The listeners of a merge's progress. Guarded by the group's lock. */
final class MergeListeners {
  private final DeferringLock lock;
  private final Scheduler scheduler;
  private final List<Runnable> listeners = new ArrayList<>();

  /** Whether {@link #tell} has been scheduled. */
  private boolean telling;

  MergeListeners(DeferringLock lock, Scheduler scheduler) {
    this.lock = lock;
    this.scheduler = scheduler;
  }

  Registration add(Runnable listener) {
    if (listeners.size() == MergeHandle.MAX_LISTENERS) {
      throw new IllegalStateException(MergeHandle.MAX_LISTENERS + " listen to a merge");
    }
    listeners.add(listener);
    return () -> lock.run(() -> listeners.remove(listener));
  }

  /** Schedules a call of the listeners. */
  void changed() {
    if (!listeners.isEmpty() && !telling) {
      telling = true;
      lock.after(() -> scheduler.execute(this::tell));
    }
  }

  private void tell() {
    List<Runnable> told = new ArrayList<>();
    lock.run(() -> {
      telling = false;
      told.addAll(listeners);
    });
    told.forEach(Runnable::run);
  }
}
