// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.util.concurrent.TimeUnit;

/**
 * How an image is used.
 *
 * @param logicalBlockSize bytes
 * @param physicalBlockSize bytes, a multiple of {@code logicalBlockSize}
 * @param readOnly never written, and opened without the image's lock
 * @param force the image's lock is taken from whoever has it, who is shut out
 * @param server the id of this server, see {@link RbdDevice#KEEPER}; empty: whoever has snapshots
 *     of the image does not matter
 * @param outageNanos a request that Ceph has not answered for so long fails
 * @param callNanos the longest that opening, closing and resizing may take
 */
public record RbdOptions(
    int logicalBlockSize,
    int physicalBlockSize,
    boolean readOnly,
    boolean force,
    String server,
    long outageNanos,
    long callNanos) {
  /**
   * Writable, blocks of 512 and 4096 bytes; 30 s for a request and 45 s for a call, as the lock of
   * a client that died elsewhere is held for 30 s.
   */
  public static final RbdOptions DEFAULT =
      new RbdOptions(
          512, 4096, false, false, "", TimeUnit.SECONDS.toNanos(30), TimeUnit.SECONDS.toNanos(45));

  public RbdOptions withBlockSizes(int logical, int physical) {
    return new RbdOptions(logical, physical, readOnly, force, server, outageNanos, callNanos);
  }

  public RbdOptions withReadOnly(boolean isReadOnly) {
    return new RbdOptions(
        logicalBlockSize, physicalBlockSize, isReadOnly, force, server, outageNanos, callNanos);
  }

  public RbdOptions withTimes(long outage, long call) {
    return new RbdOptions(
        logicalBlockSize, physicalBlockSize, readOnly, force, server, outage, call);
  }

  public RbdOptions withForce(boolean isForced) {
    return new RbdOptions(
        logicalBlockSize, physicalBlockSize, readOnly, isForced, server, outageNanos, callNanos);
  }

  public RbdOptions withServer(String id) {
    return new RbdOptions(
        logicalBlockSize, physicalBlockSize, readOnly, force, id, outageNanos, callNanos);
  }
}
