// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

/**
 * How much is merged at once, and how fast. A write to a batch has to wait for its end, so a batch
 * is as large as fits into {@link #BUSY_NANOS}, judged by the batch before; but while nobody writes
 * to the device, nobody waits, and larger batches cost less: {@link #IDLE_NANOS}. Only the first
 * write after such a time may meet a large one. Guarded by the group's lock.
 */
final class MergePace {
  static final long BUSY_NANOS = 100_000_000;
  static final long IDLE_NANOS = 500_000_000;
  static final long LEAST_BYTES = 256 << 10;
  static final long MOST_BUSY_BYTES = 32 << 20;
  static final long MOST_IDLE_BYTES = 128 << 20;

  /** Exceptions in a batch. */
  static final int MOST_CHUNKS = 8192;

  private static final long SECOND = 1_000_000_000;

  private final int chunkBytes;
  private long bytes;
  private long mostBytes = Long.MAX_VALUE;

  /** Whether somebody has written to the device since the last batch ended. */
  private boolean written;

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
    adapt(done, took);
    if (limit > 0) {
      notBefore = begin + (long) ((double) done * SECOND / limit);
    }
  }

  private void adapt(long done, long took) {
    long nanos = written ? BUSY_NANOS : IDLE_NANOS;
    written = false;
    if (took > nanos || done >= bytes / 2) {
      double fits = (double) bytes * nanos * 3 / 4 / took; // a little below, as times vary
      long least = Math.min(bytes, LEAST_BYTES);
      bytes = (long) Math.clamp(fits, bytes / 8.0, bytes * 2.0);
      bytes = Math.clamp(bytes, least, nanos == BUSY_NANOS ? MOST_BUSY_BYTES : MOST_IDLE_BYTES);
    }
  }

  /** Somebody writes to the device. */
  void written() {
    written = true;
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
