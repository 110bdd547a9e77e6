// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import java.util.concurrent.TimeUnit;

/**
 * How an export is used.
 *
 * @param logicalBlockSize bytes; no less than the smallest request that the server accepts
 * @param physicalBlockSize bytes, a multiple of {@code logicalBlockSize}
 * @param readOnly never written
 * @param silenceNanos a TCP connection on which requests wait for an answer and nothing has come
 *     for this long counts as lost. A server behind a Unix socket may take its time: its death is
 *     noticed at once
 * @param outageNanos requests wait this long for a lost connection to come back; then they fail
 * @param negotiationNanos the longest handshake
 */
public record NbdOptions(
    int logicalBlockSize,
    int physicalBlockSize,
    boolean readOnly,
    long silenceNanos,
    long outageNanos,
    long negotiationNanos) {
  /** Writable, blocks of 512 and 4096 bytes; a silence of 60 s, an outage of 30 s. */
  public static final NbdOptions DEFAULT =
      new NbdOptions(
          512,
          4096,
          false,
          TimeUnit.SECONDS.toNanos(60),
          TimeUnit.SECONDS.toNanos(30),
          TimeUnit.SECONDS.toNanos(10));

  public NbdOptions withBlockSizes(int logical, int physical) {
    return new NbdOptions(logical, physical, readOnly, silenceNanos, outageNanos, negotiationNanos);
  }

  public NbdOptions withReadOnly(boolean isReadOnly) {
    return new NbdOptions(
        logicalBlockSize,
        physicalBlockSize,
        isReadOnly,
        silenceNanos,
        outageNanos,
        negotiationNanos);
  }

  public NbdOptions withTimes(long silence, long outage, long negotiation) {
    return new NbdOptions(
        logicalBlockSize, physicalBlockSize, readOnly, silence, outage, negotiation);
  }
}
