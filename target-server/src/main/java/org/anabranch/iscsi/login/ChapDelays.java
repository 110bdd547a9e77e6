// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.net.InetAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.function.LongSupplier;
import org.anabranch.iscsi.shares.AddressBlock;
import org.jspecify.annotations.Nullable;

/**
 * How long a CHAP proof waits before it is checked, against guessing. It depends on the failures of
 * the address that it comes from, and not on the proof: who guesses learns nothing by not waiting,
 * and a good initiator at the same address waits no longer than {@link #MOST}.
 *
 * <pre>
 *   failures        1 to 3   4        5        6        7        8        9 and more
 *   the next waits  0        100 ms   200 ms   400 ms   800 ms   1.6 s    3 s
 * </pre>
 *
 * <p>With each {@link #HALF} the number of failures halves. Failures are counted for each {@link
 * AddressBlock}. At most {@value #MAX_ADDRESSES} addresses are remembered; the one whose last
 * failure is the oldest goes first. No thread waits: who asks schedules the check. Any thread.
 */
public final class ChapDelays {
  static final Duration MOST = Duration.ofSeconds(3);
  static final Duration HALF = Duration.ofSeconds(30);
  static final int FREE = 3;
  static final int MAX_ADDRESSES = 4096;
  private static final Duration FIRST = Duration.ofMillis(100);
  private static final double MAX_FAILURES = 9;

  /**
   * @param count as of {@code at}
   * @param at by the clock
   */
  private record Failures(double count, long at) {}

  private final LongSupplier nanoTime;

  /** The oldest failure first. Guarded by this. */
  private final SequencedMap<AddressBlock, Failures> failures = new LinkedHashMap<>();

  /**
   * No failures yet.
   *
   * @param nanoTime a clock as {@link System#nanoTime}
   */
  public ChapDelays(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** How long a proof that comes from there now waits. */
  public synchronized Duration before(InetAddress from) {
    double excess = count(failures.get(AddressBlock.of(from))) - FREE;
    if (excess < 0.5) {
      return Duration.ZERO;
    }
    long nanos = (long) (FIRST.toNanos() * Math.pow(2, excess - 1));
    return nanos < MOST.toNanos() ? Duration.ofNanos(nanos) : MOST;
  }

  /** A proof that came from there was wrong. */
  public synchronized void failed(InetAddress from) {
    AddressBlock key = AddressBlock.of(from);
    double count = Math.min(MAX_FAILURES, count(failures.remove(key)) + 1);
    failures.put(key, new Failures(count, nanoTime.getAsLong()));
    if (failures.size() > MAX_ADDRESSES) {
      failures.pollFirstEntry();
    }
  }

  /** How many addresses are remembered. */
  synchronized int size() {
    return failures.size();
  }

  private double count(@Nullable Failures known) {
    if (known == null) {
      return 0;
    }
    double halves = (double) (nanoTime.getAsLong() - known.at) / HALF.toNanos();
    return known.count * Math.pow(0.5, halves);
  }
}
