// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.workload;

/**
 * Counts durations in buckets that are 1/32 of a power of two wide, so that a percentile is exact
 * to about 3 %. From 0 ns; one thread writes.
 */
public final class LatencyHistogram {
  private static final int SUB_BITS = 5;
  private static final int SUB = 1 << SUB_BITS;

  private final long[] counts = new long[(64 - SUB_BITS + 1) * SUB];
  private long total;
  private long sum;
  private long max;

  public void record(long nanos) {
    counts[bucket(nanos)]++;
    total++;
    sum += nanos;
    max = Math.max(max, nanos);
  }

  /** Adds the counts of another histogram. */
  public void add(LatencyHistogram other) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] += other.counts[i];
    }
    total += other.total;
    sum += other.sum;
    max = Math.max(max, other.max);
  }

  public long count() {
    return total;
  }

  /** In nanoseconds. */
  public double mean() {
    return total == 0 ? 0 : (double) sum / total;
  }

  /** In nanoseconds, exactly. */
  public long max() {
    return max;
  }

  /**
   * The duration that this percentage of all durations did not exceed, in nanoseconds.
   *
   * @param percentile 0 to 100
   */
  public long percentile(double percentile) {
    long rank = Math.max(1, (long) Math.ceil(total * percentile / 100));
    long seen = 0;
    for (int i = 0; i < counts.length; i++) {
      seen += counts[i];
      if (seen >= rank) {
        return Math.min(max, highest(i));
      }
    }
    return max;
  }

  /** Below 32 each value has its own bucket; above, each power of two has 32 buckets. */
  private static int bucket(long nanos) {
    long value = Math.max(0, nanos);
    if (value < SUB) {
      return (int) value;
    }
    int shift = 63 - Long.numberOfLeadingZeros(value) - SUB_BITS;
    return (shift + 1) * SUB + (int) (value >>> shift) - SUB;
  }

  private static long highest(int bucket) {
    if (bucket < SUB) {
      return bucket;
    }
    int shift = bucket / SUB - 1;
    return ((long) (bucket % SUB + SUB + 1) << shift) - 1;
  }
}
