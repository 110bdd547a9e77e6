// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.util.ArrayDeque;
import java.util.PriorityQueue;
import java.util.Queue;
import org.anabranch.block.Scheduler;

/** A scheduler that runs when it is told to, on a clock of its own. Single-threaded. */
public final class StepScheduler implements Scheduler {
  private static final class Entry implements Timer, Comparable<Entry> {
    final Runnable task;
    final long time;
    boolean cancelled;

    Entry(Runnable task, long time) {
      this.task = task;
      this.time = time;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }

    @Override
    public int compareTo(Entry other) {
      return Long.compare(time, other.time);
    }
  }

  private final Queue<Runnable> ready = new ArrayDeque<>();
  private final PriorityQueue<Entry> timers = new PriorityQueue<>();
  private long now;

  @Override
  public long nanoTime() {
    return now;
  }

  @Override
  public void execute(Runnable task) {
    ready.add(task);
  }

  @Override
  public Timer schedule(Runnable task, long delayNanos) {
    Entry entry = new Entry(task, now + Math.max(0, delayNanos));
    timers.add(entry);
    return entry;
  }

  /** Runs what is ready, and what that makes ready; time stands still. */
  public void settle() {
    for (Runnable task = ready.poll(); task != null; task = ready.poll()) {
      task.run();
    }
  }

  /** Runs everything that happens within so many nanoseconds. */
  public void advance(long nanos) {
    long until = now + nanos;
    settle();
    for (Entry entry = timers.peek(); entry != null && entry.time <= until; entry = timers.peek()) {
      timers.remove(entry);
      now = entry.time;
      if (!entry.cancelled) {
        entry.task.run();
      }
      settle();
    }
    now = until;
  }
}
