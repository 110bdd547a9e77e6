// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

/**
 * How much is merged at once, and how fast. Each batch costs two flushes, and a larger one is
 * copied in a better order for the disk. But a suspend or a pause waits for the end of a batch, so
 * a batch is as large as can be copied in {@link #BATCH_NANOS}, judged by the previous one. The
 * time of its flush does not count: while others write much, that time is due to them, and smaller
 * batches would only mean more flushes. Guarded by the group's lock.
 */
final class MergePace {
  static final long BATCH_NANOS = 1_000_000_000;
  static final long MIN_BYTES = 256 << 10;
  static final long MAX_BYTES = 512 << 20;

  /** The largest number of exceptions in a batch. */
  static final int MAX_CHUNKS = 65_536;

  /** How many times larger than the previous one a batch may be. */
  private static final int GROWTH = 4;

  private static final long MAX_REST_NANOS = 500_000_000;
  private static final long SECOND = 1_000_000_000;

  /** A throttled merge continues at least this often, unless its batches take longer. */
  private static final long MIN_TURN_NANOS = SECOND / 10;

  private final int chunkBytes;
  private long bytes;
  private long mostBytes = Long.MAX_VALUE;

  /** Bytes per second; 0 for no limit. */
  private long limit;

  /**
   * The total time of the last batch. While others write much, most of it is flushing, which hardly
   * depends on the batch size. A throttled merge then uses larger batches; otherwise it would stay
   * far below its limit.
   */
  private long lastNanos;

  /** Nothing is merged before this time. */
  private long notBefore;

  /** Smoothed bytes per second of merging time; 0 before the first batch. */
  private double rate;

  private long merged;

  MergePace(int chunkBytes, long firstBatch, long now) {
    this.bytes = firstBatch;
    this.chunkBytes = chunkBytes;
    this.notBefore = now;
  }

  /** The largest number of exceptions in the next batch. */
  int chunks() {
    long now = Math.min(bytes, mostBytes);
    if (limit > 0) {
      long turn = Math.clamp(lastNanos, MIN_TURN_NANOS, BATCH_NANOS);
      now = Math.min(now, (long) ((double) limit * turn / SECOND));
    }
    return Math.clamp(now / chunkBytes, 1, MAX_CHUNKS);
  }

  /** Nanoseconds until the next batch may start; 0 for now. */
  long delay(long now) {
    return Math.max(0, notBefore - now);
  }

  /** Records a batch of {@code count} chunks, copied between {@code begin} and {@code copied}. */
  void merged(int count, long begin, long copied, long end) {
    long done = (long) count * chunkBytes;
    long took = Math.max(1, end - begin);
    merged += done;
    lastNanos = took;
    double thisRate = (double) done * SECOND / took;
    rate = rate == 0 ? thisRate : 0.8 * rate + 0.2 * thisRate;
    adapt(done, Math.max(1, copied - begin));
    if (limit > 0) {
      notBefore = begin + (long) ((double) done * SECOND / limit);
    }
  }

  private void adapt(long done, long took) {
    if (took > BATCH_NANOS || done >= bytes / 2) {
      double fits = (double) bytes * BATCH_NANOS * 3 / 4 / took; // a little below, as times vary
      long least = Math.min(bytes, MIN_BYTES);
      bytes = (long) Math.clamp(fits, bytes / 8.0, (double) bytes * GROWTH);
      bytes = Math.clamp(bytes, least, MAX_BYTES);
    }
  }

  /**
   * How long to rest after copying since {@code begin} while others are active: as long as the
   * copying took, so that they get at least half of the time.
   */
  static long rest(long begin, long now) {
    return Math.min(now - begin, MAX_REST_NANOS);
  }

  /** Limits the speed; 0 removes the limit. */
  void throttle(long bytesPerSecond, long now) {
    limit = bytesPerSecond;
    notBefore = now;
  }

  long throttle() {
    return limit;
  }

  /** Limits the batch, to at least one chunk. */
  void batch(long most) {
    mostBytes = most;
  }

  /** Bytes merged so far. */
  long merged() {
    return merged;
  }

  /** The speed in bytes per second, at most the limit; 0 before the first batch. */
  long rate() {
    return limit > 0 ? Math.min(limit, (long) rate) : (long) rate;
  }
}
