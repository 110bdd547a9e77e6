// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

/**
 * How much is merged at once, and how fast. Each batch costs two flushes, and one that is larger is
 * more in order for the disk. But a suspend, and a pause, wait for its end: so a batch is as large
 * as can be copied in {@link #BATCH_NANOS}, judged by the batch before. How long it is flushed does
 * not count: while others write much, that time is theirs, and smaller batches would only mean more
 * flushes. Guarded by the group's lock.
 */
final class MergePace {
  static final long BATCH_NANOS = 1_000_000_000;
  static final long MIN_BYTES = 256 << 10;
  static final long MAX_BYTES = 512 << 20;

  /** Exceptions in a batch. */
  static final int MAX_CHUNKS = 65_536;

  /** How many times larger than the one before a batch may be. */
  private static final int GROWTH = 4;

  private static final long MAX_REST_NANOS = 500_000_000;
  private static final long SECOND = 1_000_000_000;

  /** A bounded merge goes on at least so often, unless its batches take longer. */
  private static final long MIN_TURN_NANOS = SECOND / 10;

  private final int chunkBytes;
  private long bytes;
  private long mostBytes = Long.MAX_VALUE;

  /** Bytes a second; 0 is no limit. */
  private long limit;

  /**
   * What the last batch took in all. Beside others who write much most of it is flushing, which
   * hardly depends on the batch: a bounded merge then does more in each, or it would stay far below
   * its bound.
   */
  private long lastNanos;

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
      long turn = Math.clamp(lastNanos, MIN_TURN_NANOS, BATCH_NANOS);
      now = Math.min(now, (long) ((double) limit * turn / SECOND));
    }
    return Math.clamp(now / chunkBytes, 1, MAX_CHUNKS);
  }

  /** Nanoseconds until the next batch may begin; 0 for now. */
  long delay(long now) {
    return Math.max(0, notBefore - now);
  }

  /** A batch of {@code count} chunks was merged; from {@code begin} to {@code copied} copied. */
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
   * How long to rest after copying from {@code begin} on while others want to work, too: as long as
   * that took, so that at least half of the time is theirs.
   */
  static long rest(long begin, long now) {
    return Math.min(now - begin, MAX_REST_NANOS);
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

  /** The speed in bytes a second, with the bound applied; 0 before the first batch. */
  long rate() {
    return limit > 0 ? Math.min(limit, (long) rate) : (long) rate;
  }
}
