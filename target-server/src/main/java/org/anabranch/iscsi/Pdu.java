// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import org.anabranch.jscsi.Opcode;
import org.jspecify.annotations.Nullable;

/**
 * The PDU that a connection is receiving: its header, and where its data segment goes. One object
 * for the life of a connection; what is read from it is valid until the receiver returns from
 * {@code complete}. Owned by the connection's event loop.
 *
 * <p>Its getters read the fields that all PDUs of an initiator share (RFC 7143 11.2.1); {@link
 * ScsiCommandHeader} and {@link DataOutHeader} read the ones of their own.
 */
final class Pdu {
  static final int BASIC_HEADER = 48;
  static final int NO_TAG = 0xffffffff;

  /** So much of a sink is worth to be received into directly: less comes with what is around it. */
  private static final int LONG = 16 << 10;

  private static final int MOST_HEADER = BASIC_HEADER + 255 * 4 + 4;

  private final ByteBuf header = Unpooled.buffer(BASIC_HEADER, MOST_HEADER);

  private @Nullable ByteBuf sink;
  private int sinkIndex;
  private int sinkLength;

  /** A view of the sink's next bytes into which they are being received. */
  private @Nullable ByteBuf lent;

  /** The basic header segment, then the additional ones. */
  ByteBuf header() {
    return header;
  }

  /** The basic header segment for a parser that reads NIO buffers. */
  ByteBuffer basicHeader() {
    return header.nioBuffer(0, BASIC_HEADER);
  }

  /** Null if there is no such operation code. */
  @Nullable Opcode opcode() {
    return Opcode.of(header.getByte(0));
  }

  boolean immediate() {
    return (header.getByte(0) & 0x40) != 0;
  }

  /** F, or T in a login request. */
  boolean isFinal() {
    return (header.getByte(1) & 0x80) != 0;
  }

  int additionalLength() {
    return header.getUnsignedByte(4) * 4;
  }

  int dataLength() {
    return header.getUnsignedMedium(5);
  }

  long lun() {
    return header.getLong(8);
  }

  int taskTag() {
    return header.getInt(16);
  }

  int transferTag() {
    return header.getInt(20);
  }

  int cmdSn() {
    return header.getInt(24);
  }

  int expStatSn() {
    return header.getInt(28);
  }

  /**
   * Says where the data segment goes, from {@code begin} of the receiver; what is longer than the
   * sink is thrown away.
   */
  void sink(ByteBuf buffer, int index, int length) {
    sink = buffer;
    sinkIndex = index;
    sinkLength = length;
  }

  /**
   * An empty view of what is left of a long sink, to receive the next bytes into; null if it is
   * not. Whoever takes it owns it, and either gives it to {@link #take} or releases it.
   */
  @Nullable ByteBuf lend() {
    lent = sink == null || sinkLength < LONG ? null : sink.retainedSlice(sinkIndex, sinkLength);
    return lent == null ? null : lent.clear();
  }

  /** Whether the data segment is a long one. */
  boolean isLong() {
    return dataLength() >= LONG;
  }

  /** Takes {@code length} bytes of data segment from {@code in}. */
  @SuppressWarnings("ReferenceEquality") // whether it is the very view, not whether the bytes are
  void take(ByteBuf in, int length) {
    int kept = sink == null ? 0 : Math.min(length, sinkLength);
    if (sink != null && kept > 0) {
      if (in == lent) {
        in.skipBytes(kept); // they are there
      } else {
        in.readBytes(sink, sinkIndex, kept);
      }
      sinkIndex += kept;
      sinkLength -= kept;
    }
    in.skipBytes(length - kept);
  }

  void clear() {
    header.clear();
    sink = null;
    sinkLength = 0;
    lent = null;
  }
}
