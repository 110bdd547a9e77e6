// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import java.time.Duration;

/**
 * How often something may be done: a burst at once, and so many times a second from then on. What
 * comes more often waits for its turn: it takes its token in advance, so the bucket goes below
 * zero, and each one behind it waits longer. Not thread-safe.
 */
public final class TokenBucket {
  private static final double NANOS_PER_SECOND = 1e9;

  /**
   * How fast a bucket fills.
   *
   * @param burst times at once, at least 1
   * @param perSecond times a second after that, at least 1
   */
  public record Rate(int burst, int perSecond) {}

  /** As of {@link #at}; below 0 while some wait. */
  private double tokens;

  private long at;

  /**
   * A full bucket.
   *
   * @param now by a clock as {@link System#nanoTime}
   */
  public TokenBucket(Rate rate, long now) {
    this.tokens = rate.burst;
    this.at = now;
  }

  /**
   * The same as {@link #take(Rate, long, Duration)} where each one waits for as long as it must.
   */
  public long take(Rate rate, long now) {
    return take(rate, now, Double.NEGATIVE_INFINITY);
  }

  /**
   * Takes a token.
   *
   * @param rate from now on
   * @param most the longest that one waits
   * @return how many nanoseconds to wait for it; 0 if there is one
   */
  public long take(Rate rate, long now, Duration most) {
    return take(rate, now, -(double) rate.perSecond * most.toNanos() / NANOS_PER_SECOND);
  }

  private long take(Rate rate, long now, double least) {
    double filled = tokens + (now - at) * rate.perSecond / NANOS_PER_SECOND;
    tokens = Math.max(least, Math.min(rate.burst, filled) - 1);
    at = now;
    return tokens >= 0 ? 0 : Math.round(-tokens / rate.perSecond * NANOS_PER_SECOND);
  }
}
