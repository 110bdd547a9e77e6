// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import io.netty.buffer.ByteBuf;
import org.anabranch.scsi.api.TaskAttribute;
import org.jspecify.annotations.Nullable;

/**
 * Fields of a SCSI Command PDU, read in place (RFC 7143 11.3).
 *
 * <pre>
 *    0  .I 0x01 | F R W . . ATTR | reserved      | TotalAHSLength | DataSegmentLength
 *    8  LUN
 *   16  initiator task tag       | expected data transfer length
 *   24  CmdSN                    | ExpStatSN
 *   32  CDB, 16 bytes
 *   48  additional header segments, header digest, data segment, data digest
 * </pre>
 */
public final class ScsiCommandHeader {
  private static final int CDB = 32;
  private static final int CDB_LENGTH = 16;
  private static final int EXTENDED_CDB = 1;

  private ScsiCommandHeader() {}

  public static boolean reads(ByteBuf header) {
    return (header.getByte(1) & 0x40) != 0;
  }

  public static boolean writes(ByteBuf header) {
    return (header.getByte(1) & 0x20) != 0;
  }

  /** Null for a reserved value. */
  public static @Nullable TaskAttribute attribute(ByteBuf header) {
    return switch (header.getByte(1) & 7) {
      case 0, 1 -> TaskAttribute.SIMPLE;
      case 2 -> TaskAttribute.ORDERED;
      case 3 -> TaskAttribute.HEAD_OF_QUEUE;
      case 4 -> TaskAttribute.ACA;
      default -> null;
    };
  }

  /** Bytes, unsigned 32 bits. */
  public static long expectedDataTransferLength(ByteBuf header) {
    return header.getUnsignedInt(20);
  }

  /**
   * The CDB with what an extended-CDB segment adds (11.2.2.3). Null if the additional segments do
   * not add up, or hold what is not known.
   */
  public static byte @Nullable [] cdb(ByteBuf header, int additionalLength) {
    int at = Pdu.BASIC_HEADER;
    int end = at + additionalLength;
    int extra = 0;
    int extraAt = 0;
    while (at < end) {
      int length = header.getUnsignedShort(at);
      int type = header.getByte(at + 2) & 0x3f;
      // The length counts what follows the type; each segment is padded to words.
      int next = at + ((3 + length + 3) & ~3);
      if (type != EXTENDED_CDB || extra != 0 || length < 2 || next > end) {
        return null;
      }
      extraAt = at + 4;
      extra = length - 1;
      at = next;
    }
    byte[] cdb = new byte[CDB_LENGTH + extra];
    header.getBytes(CDB, cdb, 0, CDB_LENGTH);
    if (extra > 0) {
      header.getBytes(extraAt, cdb, CDB_LENGTH, extra);
    }
    return cdb;
  }
}
