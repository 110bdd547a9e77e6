// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

/**
 * How often something may be done: so many times a second in the long run, and a number of times at
 * once. Not thread-safe.
 */
public final class Allowance {
  private final long nanosEach;
  private final long nanosAtOnce;

  /** When all that was done so far would have been done in due course. By the clock. */
  private long due;

  /**
   * All is allowed that may be done at once.
   *
   * @param perSecond at most 1,000,000
   * @param now by a clock as {@link System#nanoTime}
   */
  public Allowance(int perSecond, int atOnce, long now) {
    this.nanosEach = 1_000_000_000L / perSecond;
    this.nanosAtOnce = nanosEach * atOnce;
    this.due = now;
  }

  /**
   * It is done once.
   *
   * @return how many nanoseconds to wait before the next time; 0 or less for not at all
   */
  public long spend(long now) {
    if (due - now < 0) {
      due = now;
    }
    due += nanosEach;
    return due - now - nanosAtOnce;
  }
}
