// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.count;

import java.util.Arrays;
import java.util.function.LongUnaryOperator;

/** A reading of a {@link LatencyHistogram}. Immutable. */
public final class LatencyDistribution {
  /** Nothing was recorded. */
  public static final LatencyDistribution EMPTY =
      new LatencyDistribution(new long[LatencyHistogram.BUCKETS], 0);

  private final long[] counts;
  private final long sumNanos;
  private final long count;

  LatencyDistribution(long[] counts, long sumNanos) {
    this.counts = counts;
    this.sumNanos = sumNanos;
    this.count = Arrays.stream(counts).sum();
  }

  /** How many durations were recorded. */
  public long count() {
    return count;
  }

  /** All durations together. */
  public long sumNanos() {
    return sumNanos;
  }

  /** The arithmetic mean; 0 when nothing was recorded. */
  public long meanNanos() {
    return count == 0 ? 0 : sumNanos / count;
  }

  /**
   * The duration that a part of all does not exceed, at most a quarter off: it is interpolated in
   * its bucket. 0 when nothing was recorded.
   *
   * @param part 0 to 1, such as 0.99
   */
  public long quantileNanos(double part) {
    double rank = part * count;
    long below = 0;
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0 && below + counts[i] >= rank) {
        long from = LatencyHistogram.from(i);
        long width = i == counts.length - 1 ? 0 : LatencyHistogram.from(i + 1) - from;
        return from + (long) (width * Math.max(0, rank - below) / counts[i]);
      }
      below += counts[i];
    }
    return 0;
  }

  /** How many durations are shorter than {@code nanos}, a power of two of at least 1024. */
  public long shorterThan(long nanos) {
    if (nanos < 1024 || Long.bitCount(nanos) != 1) {
      throw new IllegalArgumentException(nanos + " ns");
    }
    long shorter = 0;
    for (int i = 0; i < counts.length && LatencyHistogram.from(i) < nanos; i++) {
      shorter += counts[i];
    }
    return shorter;
  }

  /** What was recorded since an earlier reading of the same histogram. */
  public LatencyDistribution since(LatencyDistribution earlier) {
    long[] difference = new long[counts.length];
    for (int i = 0; i < counts.length; i++) {
      difference[i] = Math.max(0, counts[i] - earlier.counts[i]);
    }
    return new LatencyDistribution(difference, Math.max(0, sumNanos - earlier.sumNanos));
  }

  /** This and another one together. */
  public LatencyDistribution plus(LatencyDistribution other) {
    long[] all = new long[counts.length];
    for (int i = 0; i < counts.length; i++) {
      all[i] = counts[i] + other.counts[i];
    }
    return new LatencyDistribution(all, sumNanos + other.sumNanos);
  }

  /** Receives the buckets that are not empty, the shortest durations first. */
  @FunctionalInterface
  public interface BucketVisitor {
    /** {@code count} durations of {@code fromNanos} or more, and less than the next bucket's. */
    void bucket(long fromNanos, long count);
  }

  /** Passes each bucket that is not empty to {@code visitor}. */
  public void forEach(BucketVisitor visitor) {
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0) {
        visitor.bucket(LatencyHistogram.from(i), counts[i]);
      }
    }
  }

  /**
   * What {@link #forEach} and {@link #sumNanos} gave, put together again.
   *
   * @param countFrom for the shortest duration of a bucket, how many durations it has
   */
  public static LatencyDistribution of(LongUnaryOperator countFrom, long sumNanos) {
    long[] counts = new long[LatencyHistogram.BUCKETS];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = countFrom.applyAsLong(LatencyHistogram.from(i));
    }
    return new LatencyDistribution(counts, sumNanos);
  }
}
