// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import io.netty.buffer.ByteBuf;

/**
 * Fields of a SCSI Data-Out PDU, read in place (RFC 7143 11.7).
 *
 * <pre>
 *    0  .. 0x05 | F              | reserved      | TotalAHSLength | DataSegmentLength
 *    8  LUN or reserved
 *   16  initiator task tag       | target transfer tag or 0xffffffff
 *   24  reserved                 | ExpStatSN
 *   32  reserved                 | DataSN
 *   40  buffer offset            | reserved
 * </pre>
 */
public final class DataOutHeader {
  private DataOutHeader() {}

  public static int dataSn(ByteBuf header) {
    return header.getInt(36);
  }

  /** Bytes, unsigned 32 bits. */
  public static long bufferOffset(ByteBuf header) {
    return header.getUnsignedInt(40);
  }
}
