// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.anabranch.block.Scheduler;
import org.anabranch.block.ThreadScheduler;

/** A scheduler with threads, whose timers run when the test says that their time has come. */
public final class ManualTimers implements Scheduler, AutoCloseable {
  private final ThreadScheduler threads;

  /** Guarded by this. */
  private final Set<Pending> timers = new LinkedHashSet<>();

  public ManualTimers(String name) {
    threads = new ThreadScheduler(name);
  }

  @Override
  public long nanoTime() {
    return threads.nanoTime();
  }

  @Override
  public void execute(Runnable task) {
    threads.execute(task);
  }

  @Override
  public synchronized Timer schedule(Runnable task, long delayNanos) {
    Pending timer = new Pending(task);
    timers.add(timer);
    notifyAll();
    return () -> cancel(timer);
  }

  private synchronized void cancel(Pending timer) {
    timers.remove(timer);
  }

  /** Waits until somebody waits for a timer, and runs all that there are. */
  public void expire() throws InterruptedException {
    List<Pending> due;
    synchronized (this) {
      while (timers.isEmpty()) {
        wait();
      }
      due = new ArrayList<>(timers);
      timers.clear();
    }
    due.forEach(timer -> execute(timer.task));
  }

  @Override
  public void close() {
    threads.close();
  }

  /** A timer, which is itself only, also when another one runs the same task. */
  private static final class Pending {
    final Runnable task;

    Pending(Runnable task) {
      this.task = task;
    }
  }
}
