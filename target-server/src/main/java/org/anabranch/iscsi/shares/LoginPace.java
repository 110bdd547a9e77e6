// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.net.InetAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.function.LongSupplier;

/**
 * How fast one address may log in: a {@link TokenBucket} for each {@link AddressBlock}. Who logs in
 * more often waits for its turn, so a peer that logs in again and again slows itself down, whether
 * its logins are refused, or its sessions end by errors at once. Others do not notice.
 *
 * <p>A login waits for {@link #MOST} at most. How many wait is bounded by the places before login.
 *
 * <p>At most {@value #MAX_ADDRESSES} addresses are remembered; the one that was silent for the
 * longest is forgotten first. No thread waits: who asks schedules its login. Any thread.
 */
public final class LoginPace {
  /** The longest wait. */
  public static final Duration MOST = Duration.ofSeconds(2);

  static final int MAX_ADDRESSES = 4096;

  private final LongSupplier nanoTime;

  /** Who was silent for the longest comes first. */
  @GuardedBy("this")
  private final LinkedHashMap<AddressBlock, TokenBucket> buckets = new LinkedHashMap<>();

  /**
   * @param nanoTime a clock as {@link System#nanoTime}
   */
  public LoginPace(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** How long a login that comes from there now has to wait. */
  public synchronized Duration delay(InetAddress from, TokenBucket.Rate rate) {
    AddressBlock address = AddressBlock.of(from);
    long now = nanoTime.getAsLong();
    TokenBucket known = buckets.remove(address);
    TokenBucket bucket = known == null ? new TokenBucket(rate, now) : known;
    buckets.putLast(address, bucket);
    if (buckets.size() > MAX_ADDRESSES) {
      buckets.pollFirstEntry();
    }
    return Duration.ofNanos(bucket.take(rate, now, MOST));
  }

  /** How many addresses are remembered. */
  synchronized int addresses() {
    return buckets.size();
  }
}
