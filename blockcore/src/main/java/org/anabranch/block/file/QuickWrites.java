// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

/**
 * Decides whether writes to a file run on the submitting thread, if that is a {@link
 * org.anabranch.block.RelievedThread}. A small write into the page cache takes microseconds, less
 * than the way to another thread and back; for a large one that way would still be a good part of
 * the time. But a write may block, for the journal, because too much of the page cache is dirty, or
 * because the file system is frozen; {@code RWF_NOWAIT} does not help, since ext4 does not support
 * it for such writes, and the wait for a frozen file system comes before that flag is looked at. So
 * writes run there as long as they are quick. After a slow one they do not for a pause, {@link
 * #PAUSE} times as long as it took, and none does while one to the same file system hangs.
 *
 * <p>Any thread.
 */
final class QuickWrites {
  /** Larger writes would occupy the submitting thread for too long. */
  static final int MAX_BYTES = 1 << 20;

  /** The limit for a quick write, plus one nanosecond for each byte: a copy at 1 GB/s. */
  static final long QUICK_NANOS = 1_000_000;

  static final int PAUSE = 10;

  /** A page that is written in part may have to be read first. */
  private static final int PAGE = 4096;

  private final WritesUnderWay underWay;
  private volatile long notBefore;

  /**
   * @param underWay those to the same file system
   * @param now a monotonic clock of arbitrary origin, like {@link System#nanoTime}
   */
  QuickWrites(WritesUnderWay underWay, long now) {
    this.underWay = underWay;
    notBefore = now;
  }

  /** Whether to try a write on the submitting thread. */
  boolean may(long offset, int bytes, long now) {
    return bytes <= MAX_BYTES
        && ((offset | bytes) & (PAGE - 1)) == 0
        && now - notBefore >= 0
        && underWay.areQuick(now);
  }

  /** A write begins there. */
  void begin(long now) {
    underWay.begin(now);
  }

  /** A write made there has ended. */
  void took(int bytes, long begin, long end) {
    underWay.end(begin);
    if (end - begin > QUICK_NANOS + bytes) {
      notBefore = end + PAUSE * (end - begin);
    }
  }
}
