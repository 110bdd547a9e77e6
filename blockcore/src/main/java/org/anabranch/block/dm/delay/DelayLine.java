// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.delay;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.Io;
import org.anabranch.block.IoRelease;
import org.anabranch.block.Scheduler;
import org.anabranch.block.dm.Area;
import org.jspecify.annotations.Nullable;

/**
 * The delayed requests of one class, first in, first out, since all have the same delay. A single
 * timer runs for the oldest.
 */
final class DelayLine {
  /** The largest number of delayed requests. */
  static final int MAX = 65_536;

  private record Waiting(Io io, long due) {}

  private final Area area;
  private final long millis;
  private final Scheduler scheduler;

  @GuardedBy("this")
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

  /** False while suspended. */
  @GuardedBy("this")
  private boolean delaying;

  @GuardedBy("this")
  private Scheduler.@Nullable Timer timer;

  DelayLine(Area area, long millis, Scheduler scheduler) {
    this.area = area;
    this.millis = millis;
    this.scheduler = scheduler;
  }

  Area area() {
    return area;
  }

  synchronized int waiting() {
    return waiting.size();
  }

  void take(Io io) {
    Io now = keep(io);
    if (now != null) {
      area.submit(now);
    }
  }

  /** Queues {@code io}; returns the request to pass on now, or null. */
  private synchronized @Nullable Io keep(Io io) {
    if (!delaying || millis == 0) {
      return io;
    }
    long delay = TimeUnit.MILLISECONDS.toNanos(millis);
    waiting.add(new Waiting(io, scheduler.nanoTime() + delay));
    if (timer == null) {
      timer = scheduler.schedule(this::expired, delay);
    }
    return waiting.size() > MAX ? waiting.remove().io : null;
  }

  private void expired() {
    List<Io> due = new ArrayList<>();
    synchronized (this) {
      timer = null;
      long now = scheduler.nanoTime();
      while (!waiting.isEmpty() && waiting.element().due - now <= 0) {
        due.add(waiting.remove().io);
      }
      if (!waiting.isEmpty()) {
        timer = scheduler.schedule(this::expired, waiting.element().due - now);
      }
    }
    IoRelease.each(due, area::submit);
  }

  /** Starts delaying requests. */
  synchronized void delay() {
    delaying = true;
  }

  /** Passes all requests on and stops delaying. */
  void hurry() {
    List<Io> all = new ArrayList<>();
    synchronized (this) {
      delaying = false;
      waiting.forEach(one -> all.add(one.io));
      waiting.clear();
      if (timer != null) {
        timer.cancel();
        timer = null;
      }
    }
    IoRelease.each(all, area::submit);
  }

  DelaySpec.Delay spec() {
    return new DelaySpec.Delay(area.spec(), millis);
  }
}
