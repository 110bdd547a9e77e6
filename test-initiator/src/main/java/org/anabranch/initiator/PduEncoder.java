// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.util.concurrent.Future;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Encodes PDUs exactly as their headers say; corrects nothing. Owned by the connection's event
 * loop.
 */
final class PduEncoder {
  /** Data up to this size is copied after its header; longer data is sent without a copy. */
  private static final int COPY_LIMIT = 16 * 1024;

  private final CRC32C crc = new CRC32C();
  private boolean headerDigest;
  private boolean dataDigest;

  void use(boolean withHeaderDigest, boolean withDataDigest) {
    headerDigest = withHeaderDigest;
    dataDigest = withDataDigest;
  }

  /** Writes without flushing. */
  void write(Pdu pdu, Channel channel) {
    ByteBuffer data = pdu.data();
    int length = data.remaining();
    boolean copy = length <= COPY_LIMIT;
    int ahsPadding = -pdu.ahs().length & 3;
    ByteBuf head =
        channel
            .alloc()
            .ioBuffer(
                Pdu.BHS_LENGTH + pdu.ahs().length + ahsPadding + 4 + (copy ? length : 0) + 3 + 4);
    head.writeBytes(pdu.bhs()).writeBytes(pdu.ahs()).writeZero(ahsPadding);
    if (headerDigest) {
      crc.reset();
      crc.update(head.nioBuffer());
      head.writeIntLE((int) crc.getValue() ^ (pdu.headerDigestCorrupt() ? 0x0100 : 0));
    }
    if (length == 0) {
      write(head, channel);
      return;
    }
    int padding = -length & 3;
    if (copy) {
      head.writeBytes(data.duplicate());
      trailer(head, pdu, padding);
      write(head, channel);
      return;
    }
    write(head, channel);
    write(Unpooled.wrappedBuffer(data.slice()), channel);
    if (padding > 0 || dataDigest) {
      ByteBuf tail = channel.alloc().ioBuffer(3 + 4);
      trailer(tail, pdu, padding);
      write(tail, channel);
    }
  }

  private static void write(ByteBuf bytes, Channel channel) {
    Future<?> _ = channel.write(bytes, channel.voidPromise());
  }

  private void trailer(ByteBuf out, Pdu pdu, int padding) {
    out.writeZero(padding);
    if (dataDigest) {
      crc.reset();
      crc.update(pdu.data().duplicate());
      for (int i = 0; i < padding; i++) {
        crc.update(0);
      }
      out.writeIntLE((int) crc.getValue() ^ (pdu.dataDigestCorrupt() ? 0x0100 : 0));
    }
  }
}
