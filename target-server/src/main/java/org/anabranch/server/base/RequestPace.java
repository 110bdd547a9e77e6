// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * How many requests of the control plane are served in a second: a burst at once, and a rate from
 * then on. Requests beyond that wait, so that whoever asks without end leaves the processors to
 * initiators. Any thread.
 */
public final class RequestPace {
  private static final double NANOS_PER_SECOND = 1e9;

  private final int burst;
  private final int perSecond;
  private final LongSupplier nanoTime;

  /** Requests that may be served now; below 0 while some wait. */
  @GuardedBy("this")
  private double tokens;

  /** When {@link #tokens} was computed. */
  @GuardedBy("this")
  private long at;

  public RequestPace(int burst, int perSecond) {
    this(burst, perSecond, System::nanoTime);
  }

  /**
   * @param nanoTime a clock as {@link System#nanoTime}
   */
  RequestPace(int burst, int perSecond, LongSupplier nanoTime) {
    this.burst = burst;
    this.perSecond = perSecond;
    this.nanoTime = nanoTime;
    this.tokens = burst;
    this.at = nanoTime.getAsLong();
  }

  /** Nanoseconds that one more request has to wait. */
  synchronized long delay() {
    long now = nanoTime.getAsLong();
    tokens = Math.min(burst, tokens + (now - at) * perSecond / NANOS_PER_SECOND) - 1;
    at = now;
    return tokens >= 0 ? 0 : (long) (-tokens / perSecond * NANOS_PER_SECOND);
  }

  /** Waits until one more request may be served. An interrupt ends the wait. */
  public void await() {
    long end = nanoTime.getAsLong();
    long delay = delay();
    for (long left = delay; left > 0 && !Thread.currentThread().isInterrupted(); ) {
      LockSupport.parkNanos(left);
      left = end + delay - nanoTime.getAsLong();
    }
  }
}
