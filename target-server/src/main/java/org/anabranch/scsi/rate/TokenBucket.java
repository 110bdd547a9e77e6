// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.rate;

/**
 * One limit: tokens come at a steady rate, up to the capacity, and a command takes as many as it
 * has bytes, or one. A command that needs more than the capacity goes on when the bucket is full,
 * and leaves a debt behind, so that the rate holds for large commands as well.
 *
 * <p>Not thread-safe: guarded by the lock of its {@link RateLimiter}.
 */
final class TokenBucket {
  private static final double SECOND = 1e9;

  /** Less than this is missing only because of rounding. */
  private static final double ROUNDING = 1e-6;

  private final double rate;
  private final double capacity;
  private double tokens;
  private long filledAt;

  /**
   * A full bucket.
   *
   * @param rate tokens in a second, more than 0
   * @param burstNanos the time in which an empty one is full
   */
  TokenBucket(long rate, long burstNanos, long now) {
    this.rate = rate;
    this.capacity = Math.max(1, rate * (burstNanos / SECOND));
    this.tokens = capacity;
    this.filledAt = now;
  }

  /** Takes everything out. */
  void empty() {
    tokens = 0;
  }

  /**
   * Adds what has come since the last call.
   *
   * @param lateNanos for how long tokens are kept beyond the capacity: somebody waits for them, and
   *     is woken late
   */
  void fill(long now, long lateNanos) {
    double most = capacity + rate * (lateNanos / SECOND);
    double come = rate * ((now - filledAt) / SECOND);
    tokens = Math.max(tokens, Math.min(most, tokens + come));
    if (lateNanos == 0) {
      tokens = Math.min(tokens, capacity);
    }
    filledAt = now;
  }

  /** After how many nanoseconds a command of this cost may go on; 0: now. */
  long nanosUntil(long cost) {
    double missing = Math.min((double) cost, capacity) - tokens;
    return missing <= ROUNDING ? 0 : Math.max(1, (long) Math.ceil(missing / rate * SECOND));
  }

  void take(long cost) {
    tokens -= cost;
  }

  /** The part of a second's tokens that a command of this cost takes. */
  double share(long cost) {
    return cost / rate;
  }
}
