// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

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
public final class Pdu {
  public static final int BASIC_HEADER = 48;
  public static final int NO_TAG = 0xffffffff;

  private static final int MAX_HEADER = BASIC_HEADER + 255 * 4 + 4;

  private final ByteBuf header = Unpooled.buffer(BASIC_HEADER, MAX_HEADER);

  private @Nullable ByteBuf sink;
  private int sinkIndex;
  private int sinkLength;

  /** The basic header segment, then the additional ones. */
  public ByteBuf header() {
    return header;
  }

  /** The basic header segment for a parser that reads NIO buffers. */
  public ByteBuffer basicHeader() {
    return header.nioBuffer(0, BASIC_HEADER);
  }

  /** Null if there is no such operation code. */
  public @Nullable Opcode opcode() {
    return Opcode.of(header.getByte(0));
  }

  public boolean immediate() {
    return (header.getByte(0) & 0x40) != 0;
  }

  /** F, or T in a login request. */
  public boolean isFinal() {
    return (header.getByte(1) & 0x80) != 0;
  }

  public int additionalLength() {
    return header.getUnsignedByte(4) * 4;
  }

  public int dataLength() {
    return header.getUnsignedMedium(5);
  }

  public long lun() {
    return header.getLong(8);
  }

  public int taskTag() {
    return header.getInt(16);
  }

  public int transferTag() {
    return header.getInt(20);
  }

  public int cmdSn() {
    return header.getInt(24);
  }

  public int expStatSn() {
    return header.getInt(28);
  }

  /**
   * Sets the buffer for the data segment; called in {@code begin} of the receiver. Bytes beyond its
   * end are discarded. The buffer is retained until the whole segment has been received, so its
   * owner may release it earlier, when the command is aborted.
   */
  public void sink(ByteBuf buffer, int index, int length) {
    sink = buffer.retain();
    sinkIndex = index;
    sinkLength = length;
  }

  /**
   * The rest of the sink, as an empty buffer for the socket to fill, if it has at least {@code
   * least} bytes and is memory that a socket can fill; otherwise null. The caller releases it.
   */
  public @Nullable ByteBuf room(int least) {
    return sink == null || sinkLength < least || !sink.hasMemoryAddress()
        ? null
        : sink.retainedSlice(sinkIndex, sinkLength).clear();
  }

  /** Takes {@code length} bytes of data segment from {@code in}. */
  public void take(ByteBuf in, int length) {
    int kept = sink == null ? 0 : Math.min(length, sinkLength);
    if (sink != null && kept > 0) {
      if (isInPlace(sink, in)) {
        in.skipBytes(kept);
      } else {
        in.readBytes(sink, sinkIndex, kept);
      }
      sinkIndex += kept;
      sinkLength -= kept;
    }
    in.skipBytes(length - kept);
  }

  /** Whether the socket filled our {@link #room}. */
  private boolean isInPlace(ByteBuf to, ByteBuf in) {
    return to.hasMemoryAddress()
        && in.hasMemoryAddress()
        && to.memoryAddress() + sinkIndex == in.memoryAddress() + in.readerIndex();
  }

  public void clear() {
    header.clear();
    if (sink != null) {
      sink.release();
      sink = null;
    }
    sinkLength = 0;
  }
}
