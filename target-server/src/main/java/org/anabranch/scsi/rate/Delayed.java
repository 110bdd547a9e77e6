// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.rate;

/** A command, or a piece of a copy, that a {@link RateLimiter} may delay. Used once. */
public final class Delayed {
  private final RateLimiter limiter;
  private final Object session;
  private final Traffic traffic;
  private final long bytes;
  private final Runnable goOn;

  /** Its place among all that wait, for those whose turns are equal. By the limiter's lock. */
  long number;

  /** It must not wait, or not any longer. Guarded by the limiter's lock. */
  boolean released;

  /**
   * @param session whose turn it needs; compared by identity
   * @param bytes what it moves, 0 or more
   * @param goOn runs once, on any thread with no lock held, unless {@link RateLimiter#enter} says
   *     that it may go on at once
   */
  public Delayed(RateLimiter limiter, Object session, Traffic traffic, long bytes, Runnable goOn) {
    this.limiter = limiter;
    this.session = session;
    this.traffic = traffic;
    this.bytes = bytes;
    this.goOn = goOn;
  }

  Object session() {
    return session;
  }

  Traffic traffic() {
    return traffic;
  }

  long bytes() {
    return bytes;
  }

  void goOn() {
    goOn.run();
  }

  /** It is aborted: goes on at once, and counts for no limit. Any thread, at any time. */
  public void release() {
    limiter.release(this);
  }
}
