// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

/**
 * Whether writes are made on the submitting thread. Into the page cache a small one takes
 * microseconds, less than the way to another thread and back, and of a large one's time that way
 * would still be a good part. But a write may have to wait, for the journal or because too much is
 * dirty, and not every file system can be asked not to ({@code RWF_NOWAIT}). So they are made there
 * as long as they are quick: one that was not is followed by a pause, {@link #PAUSE} times as long.
 *
 * <p>Any thread.
 */
final class QuickWrites {
  /** Larger ones would keep others from the thread for too long. */
  static final int MOST_BYTES = 1 << 20;

  /** With one more for each byte: what a copy at a GB/s takes. */
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
  void took(int bytes, long begin, long end) {
    if (end - begin > QUICK_NANOS + bytes) {
      notBefore = end + PAUSE * (end - begin);
    }
  }
}
