// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.anabranch.server.base.RefusedException;

/**
 * How much processor time the writes of a file may take: {@link #BURST} at once, and a {@value
 * #PART}th of the time from then on. A host that logs in to some hundreds of targets stays below
 * the burst and waits only for the disk, whose time does not count. Any thread.
 */
final class WritePace {
  static final Duration BURST = Duration.ofSeconds(1);
  static final int PART = 10;

  /** Nobody waits longer than this. */
  static final Duration MOST = Duration.ofSeconds(1);

  /** A write, on the thread whose processor time counts. */
  interface Write {
    void run() throws RefusedException;
  }

  private final LongSupplier clock;
  private final LongSupplier processorTime;

  /** Processor time that may be used, in nanoseconds; below 0 after a long write. */
  @GuardedBy("this")
  private long left = BURST.toNanos();

  /** When {@link #left} was computed. */
  @GuardedBy("this")
  private long at;

  /**
   * @param clock as {@link System#nanoTime}
   * @param processorTime what the calling thread has used, in nanoseconds
   */
  WritePace(LongSupplier clock, LongSupplier processorTime) {
    this.clock = clock;
    this.processorTime = processorTime;
    this.at = clock.getAsLong();
  }

  /** By the clocks of the process. */
  static WritePace ofProcess() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    return new WritePace(System::nanoTime, threads::getCurrentThreadCpuTime);
  }

  long now() {
    return clock.getAsLong();
  }

  /** Nanoseconds that a write has to wait if somebody waits for it. */
  synchronized long urgentDelay() {
    return left() > 0 ? 0 : Math.min(-left() * PART, MOST.toNanos());
  }

  /** Nanoseconds that any other write has to wait: it leaves half of the burst for urgent ones. */
  synchronized long delay() {
    return left() > BURST.toNanos() / 2 ? 0 : MOST.toNanos();
  }

  @GuardedBy("this")
  private long left() {
    long time = clock.getAsLong();
    left = Math.min(BURST.toNanos(), left + (time - at) / PART);
    at = time;
    return left;
  }

  /** Makes a write and counts its processor time. */
  void measure(Write write) throws RefusedException {
    long begin = processorTime.getAsLong();
    try {
      write.run();
    } finally {
      long used = processorTime.getAsLong() - begin;
      synchronized (this) {
        left = left() - used;
      }
    }
  }
}
