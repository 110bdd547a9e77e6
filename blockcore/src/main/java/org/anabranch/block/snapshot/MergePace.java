// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

/**
 * How much is merged at once, and how fast. A batch is as large as fits into {@link #BATCH_NANOS},
 * judged by the batches before: that bounds how long a write to it has to wait. Guarded by the
 * group's lock.
 */
final class MergePace {
  /** A batch that takes longer makes the next one smaller. */
  static final long BATCH_NANOS = 100_000_000;

  static final long LEAST_BYTES = 256 << 10;
  static final long MOST_BYTES = 32 << 20;

  /** Exceptions in a batch. */
  static final int MOST_CHUNKS = 4096;

  private static final long SECOND = 1_000_000_000;

  private final int chunkBytes;
  private long bytes;
  private long mostBytes = MOST_BYTES;

  /** Bytes a second; 0 is no limit. */
  private long limit;

  /** Nothing is merged before this time. */
  private long notBefore;

  /** Smoothed bytes a second, of the time that merging takes; 0 before the first batch. */
  private double rate;

  private long merged;

  MergePace(int chunkBytes, long firstBatch, long now) {
    this.bytes = firstBatch;
    this.chunkBytes = chunkBytes;
    this.notBefore = now;
  }

  /** How many exceptions the next batch may have. */
  int chunks() {
    long now = Math.min(bytes, mostBytes);
    if (limit > 0) {
      now = Math.min(now, Math.max(limit / 10, 1));
    }
    return Math.clamp(now / chunkBytes, 1, MOST_CHUNKS);
  }

  /** Nanoseconds until the next batch may begin; 0 for now. */
  long delay(long now) {
    return Math.max(0, notBefore - now);
  }

  /** A batch of {@code count} chunks was merged. */
  void merged(int count, long begin, long end) {
    long done = (long) count * chunkBytes;
    long took = Math.max(1, end - begin);
    merged += done;
    double thisRate = (double) done * SECOND / took;
    rate = rate == 0 ? thisRate : 0.8 * rate + 0.2 * thisRate;
    if (took > BATCH_NANOS) {
      bytes = Math.max(Math.min(bytes, LEAST_BYTES), bytes / 2);
    } else if (took < BATCH_NANOS / 2 && done >= bytes / 2) {
      bytes = Math.min(MOST_BYTES, bytes * 2);
    }
    if (limit > 0) {
      notBefore = begin + (long) ((double) done * SECOND / limit);
    }
  }

  /** Bounds the speed; 0 takes the bound away. */
  void throttle(long bytesPerSecond, long now) {
    limit = bytesPerSecond;
    notBefore = now;
  }

  long throttle() {
    return limit;
  }

  /** Bounds the batch, from one chunk on. */
  void batch(long most) {
    mostBytes = most;
  }

  /** Bytes merged so far. */
  long merged() {
    return merged;
  }

  /** Bytes a second at which it goes on, limit included; 0 if nobody knows yet. */
  long rate() {
    return limit > 0 ? Math.min(limit, (long) rate) : (long) rate;
  }
}
