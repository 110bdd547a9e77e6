// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

/**
 * Whether small writes are made on the submitting thread. Into the page cache they take
 * microseconds, less than the way to another thread and back. But a write may have to wait, for the
 * journal or because too much is dirty, and not every file system can be asked not to ({@code
 * RWF_NOWAIT}). So they are made there as long as they are quick: one that was not is followed by a
 * pause, {@link #PAUSE} times as long.
 *
 * <p>Any thread.
 */
final class QuickWrites {
  /** Larger ones take long enough to be worth another thread. */
  static final int MOST_BYTES = 32 << 10;

  static final long QUICK_NANOS = 1_000_000;
  static final int PAUSE = 10;

  /** What is written in part only must perhaps be read first. */
  private static final int PAGE = 4096;

  private volatile long notBefore;

  /** {@code now}: of a clock that begins anywhere, as {@link System#nanoTime}. */
  QuickWrites(long now) {
    notBefore = now;
  }

  /** Whether to try it. */
  boolean may(long offset, int bytes, long now) {
    return bytes <= MOST_BYTES && ((offset | bytes) & (PAGE - 1)) == 0 && now - notBefore >= 0;
  }

  /** One was made. */
  void took(long begin, long end) {
    if (end - begin > QUICK_NANOS) {
      notBefore = end + PAUSE * (end - begin);
    }
  }
}
