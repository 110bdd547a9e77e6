// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.net.InetAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.function.LongSupplier;

/**
 * How fast one address may log in: a token bucket for each {@link AddressBlock}. Who logs in more
 * often waits for its turn, so a peer that logs in again and again slows itself down, whether its
 * logins are refused, or its sessions end by errors at once. Others do not notice.
 *
 * <p>A login that must wait takes its token in advance: the bucket goes below zero, and each one
 * behind it waits longer, up to {@link #MOST}. How many wait is bounded by the places before login.
 *
 * <p>At most {@value #MAX_ADDRESSES} addresses are remembered; the one that was silent for the
 * longest is forgotten first. No thread waits: who asks schedules its login. Any thread.
 */
public final class LoginPace {
  /** The longest wait. */
  public static final Duration MOST = Duration.ofSeconds(2);

  static final int MAX_ADDRESSES = 4096;
  private static final double NANOS_PER_SECOND = 1e9;

  /**
   * The rate of one address.
   *
   * @param burst logins at once, at least 1
   * @param perSecond logins a second after that, at least 1
   */
  public record Rate(int burst, int perSecond) {}

  /**
   * @param tokens as of {@code at}; below 0 while logins wait
   */
  private record Bucket(double tokens, long at) {}

  private final LongSupplier nanoTime;

  /** Who was silent for the longest comes first. */
  @GuardedBy("this")
  private final LinkedHashMap<AddressBlock, Bucket> buckets = new LinkedHashMap<>();

  /**
   * @param nanoTime a clock as {@link System#nanoTime}
   */
  public LoginPace(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** How long a login that comes from there now has to wait. */
  public synchronized Duration delay(InetAddress from, Rate rate) {
    AddressBlock address = AddressBlock.of(from);
    long now = nanoTime.getAsLong();
    Bucket known = buckets.remove(address);
    double tokens =
        known == null
            ? rate.burst
            : Math.min(
                rate.burst, known.tokens + (now - known.at) * rate.perSecond / NANOS_PER_SECOND);
    double least = -(double) rate.perSecond * MOST.toSeconds();
    double left = Math.max(least, tokens - 1);
    buckets.putLast(address, new Bucket(left, now));
    if (buckets.size() > MAX_ADDRESSES) {
      buckets.pollFirstEntry();
    }
    return left >= 0
        ? Duration.ZERO
        : Duration.ofNanos((long) (-left / rate.perSecond * NANOS_PER_SECOND));
  }

  /** How many addresses are remembered. */
  synchronized int addresses() {
    return buckets.size();
  }
}
