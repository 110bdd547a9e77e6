// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.count;

import java.util.concurrent.atomic.LongAdder;

/**
 * Counts durations in buckets: four to each doubling, from 1.024 microseconds to 137 seconds. What
 * is shorter is in the first bucket, what is longer in the last. Any thread.
 */
public final class LatencyHistogram {
  /** Bits of a nanosecond count below which all is one bucket. */
  private static final int LOWEST = 10;

  /** The bit that the longest durations have; those above are counted with them. */
  private static final int HIGHEST = 36;

  /** Buckets to a doubling, as a power of two. */
  private static final int SUB_BITS = 2;

  static final int BUCKETS = 1 + ((HIGHEST - LOWEST + 1) << SUB_BITS);

  private final LongAdder[] counts = new LongAdder[BUCKETS];
  private final LongAdder sum = new LongAdder();

  /** An empty one. */
  public LatencyHistogram() {
    for (int i = 0; i < BUCKETS; i++) {
      counts[i] = new LongAdder();
    }
  }

  /** Counts a duration. A negative one counts as 0. */
  public void record(long nanos) {
    counts[bucket(nanos)].increment();
    sum.add(Math.max(0, nanos));
  }

  /** What was recorded up to about now. */
  public LatencyDistribution read() {
    long[] read = new long[BUCKETS];
    for (int i = 0; i < BUCKETS; i++) {
      read[i] = counts[i].sum();
    }
    return new LatencyDistribution(read, sum.sum());
  }

  static int bucket(long nanos) {
    if (nanos < 1 << LOWEST) {
      return 0;
    }
    int bit = 63 - Long.numberOfLeadingZeros(nanos);
    if (bit > HIGHEST) {
      return BUCKETS - 1;
    }
    int sub = (int) (nanos >> (bit - SUB_BITS)) & ((1 << SUB_BITS) - 1);
    return 1 + ((bit - LOWEST) << SUB_BITS) + sub;
  }

  /** The shortest duration of a bucket in nanoseconds; the next bucket's ends it. */
  static long from(int bucket) {
    if (bucket == 0) {
      return 0;
    }
    int bit = LOWEST + ((bucket - 1) >> SUB_BITS);
    int sub = (bucket - 1) & ((1 << SUB_BITS) - 1);
    return ((1L << SUB_BITS) + sub) << (bit - SUB_BITS);
  }
}
