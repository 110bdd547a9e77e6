// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Frames a target's PDUs: lengths, pad and digests (RFC 7143 11.2). Owned by the connection's event
 * loop.
 */
public final class PduEncoder {
  private static final int DIGEST = 4;

  /** The longest pad and digest. */
  public static final int MAX_TRAILER = 3 + DIGEST;

  private final ByteBufAllocator allocator;
  private final CRC32C crc = new CRC32C();
  private boolean headerDigest;
  private boolean dataDigest;

  public PduEncoder(ByteBufAllocator allocator) {
    this.allocator = allocator;
  }

  /** From the next PDU on. */
  public void digests(Digests digests) {
    headerDigest = digests.coverHeaders();
    dataDigest = digests.coverData();
  }

  public boolean hasDataDigest() {
    return dataDigest;
  }

  /** Bytes between the start of a PDU and its data segment. */
  public int headerRoom() {
    return Pdu.BASIC_HEADER + (headerDigest ? DIGEST : 0);
  }

  /** Bytes after a data segment of this length. */
  public int trailerRoom(int dataLength) {
    return dataLength == 0 ? 0 : (-dataLength & 3) + (dataDigest ? DIGEST : 0);
  }

  /** A PDU of a header and a data segment, for which lengths are filled in. */
  public ByteBuf frame(ByteBuffer header, byte[] data) {
    ByteBuf pdu = allocator.directBuffer(headerRoom() + data.length + trailerRoom(data.length));
    pdu.writeBytes(header);
    sealHeader(pdu, 0, data.length);
    pdu.writerIndex(headerRoom());
    if (data.length > 0) {
      pdu.writeBytes(data);
      sealData(pdu, headerRoom(), data.length, pdu);
    }
    return pdu;
  }

  /** Fills in the lengths of the header at {@code at} and its digest. */
  public void sealHeader(ByteBuf pdu, int at, int dataLength) {
    pdu.setMedium(at + 5, dataLength);
    if (headerDigest) {
      pdu.setIntLE(at + Pdu.BASIC_HEADER, digest(pdu, at, Pdu.BASIC_HEADER));
    }
  }

  /** Appends to {@code to} the pad and digest of the data in {@code pdu}. */
  public void sealData(ByteBuf pdu, int at, int length, ByteBuf to) {
    int pad = -length & 3;
    if (dataDigest) {
      crc.reset();
      crc.update(pdu.nioBuffer(at, length));
      for (int i = 0; i < pad; i++) {
        crc.update(0);
      }
    }
    to.writeZero(pad);
    if (dataDigest) {
      to.writeIntLE((int) crc.getValue());
    }
  }

  private int digest(ByteBuf buffer, int at, int length) {
    crc.reset();
    crc.update(buffer.nioBuffer(at, length));
    return (int) crc.getValue();
  }
}
