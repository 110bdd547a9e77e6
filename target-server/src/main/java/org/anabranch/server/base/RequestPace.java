// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.anabranch.iscsi.shares.TokenBucket;

/**
 * How many requests of the control plane are served in a second: a burst at once, and a rate from
 * then on. Requests beyond that wait, so that whoever asks without end leaves the processors to
 * initiators. Any thread.
 */
public final class RequestPace {
  private final TokenBucket.Rate rate;
  private final LongSupplier nanoTime;

  @GuardedBy("this")
  private final TokenBucket bucket;

  public RequestPace(int burst, int perSecond) {
    this(burst, perSecond, System::nanoTime);
  }

  /**
   * @param nanoTime a clock as {@link System#nanoTime}
   */
  RequestPace(int burst, int perSecond, LongSupplier nanoTime) {
    this.rate = new TokenBucket.Rate(burst, perSecond);
    this.nanoTime = nanoTime;
    this.bucket = new TokenBucket(rate, nanoTime.getAsLong());
  }

  /** Nanoseconds that one more request has to wait. */
  synchronized long delay() {
    return bucket.take(rate, nanoTime.getAsLong());
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
