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
  private final Set<Runnable> timers = new LinkedHashSet<>();

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
    Runnable timer = task::run; // an object of its own
    timers.add(timer);
    notifyAll();
    return () -> cancel(timer);
  }

  private synchronized void cancel(Runnable timer) {
    timers.remove(timer);
  }

  /** Waits until somebody waits for a timer, and runs all that there are. */
  public void expire() throws InterruptedException {
    List<Runnable> due;
    synchronized (this) {
      while (timers.isEmpty()) {
        wait();
      }
      due = new ArrayList<>(timers);
      timers.clear();
    }
    due.forEach(this::execute);
  }

  @Override
  public void close() {
    threads.close();
  }
}
