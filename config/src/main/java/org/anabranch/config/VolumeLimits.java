// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.time.Duration;

/**
 * How much initiators may do with a volume in a second. 0: no limit. A command counts for the limit
 * of its direction and for that of both directions together.
 *
 * @param iops commands that read or write
 * @param readIops commands that read
 * @param writeIops commands that write
 * @param bytes bytes that are read or written
 * @param readBytes bytes that are read
 * @param writeBytes bytes that are written
 * @param burst what was not used during so much time may be used at once later
 */
public record VolumeLimits(
    long iops,
    long readIops,
    long writeIops,
    long bytes,
    long readBytes,
    long writeBytes,
    Duration burst) {
  /** No limits. */
  public static final VolumeLimits NONE =
      new VolumeLimits(0, 0, 0, 0, 0, 0, Duration.ofMillis(100));

  /** The shortest burst: with less, timers that come late would take something away. */
  public static final Duration LEAST_BURST = Duration.ofMillis(10);

  /** The longest burst. */
  public static final Duration LONGEST_BURST = Duration.ofHours(1);

  /** The largest number of commands in a second that can be said. */
  public static final int MOST_IOPS = 1_000_000_000;

  /** The smallest: with less, one block would take longer than a second. */
  public static final long LEAST_BYTES = 4096;

  /** The largest number of bytes in a second that can be said. */
  public static final long MOST_BYTES = 1L << 50;

  /** Whether nothing is limited. */
  public boolean isNone() {
    return iops == 0
        && readIops == 0
        && writeIops == 0
        && bytes == 0
        && readBytes == 0
        && writeBytes == 0;
  }
}
