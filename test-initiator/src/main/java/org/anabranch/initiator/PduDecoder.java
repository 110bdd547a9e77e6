// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Splits a byte stream into PDUs. Bytes arrive in pieces of any size; each data segment is copied
 * once, from the socket's buffer to the buffer that the {@link Sink} provides. Owned by the
 * connection's event loop.
 *
 * <pre>
 *   BHS 48 | AHS 4*n | header digest 4? | data, padded to 4 | data digest 4?
 * </pre>
 *
 * After the Login Response that ends the login phase it stops until {@link #resume}, because only
 * the reader of that response knows whether the next byte is covered by digests.
 */
final class PduDecoder {
  /** Receives the PDUs. */
  interface Sink {
    /**
     * A header is complete and a data segment follows. Returns the buffer for it.
     *
     * @return a buffer with at least {@code length} bytes from its position
     */
    ByteBuffer destination(Pdu pdu, int length) throws IscsiException;

    /** Receives a complete PDU. */
    void received(Pdu pdu) throws IscsiException;
  }

  /** The largest data segment that is accepted, whatever we declared. */
  static final int MAX_DATA = 0xff_ffff;

  private enum Part {
    HEADER,
    DATA,
    DATA_TRAILER
  }

  private final Sink sink;
  private final byte[] header = new byte[Pdu.BHS_LENGTH + 255 * 4 + 4];
  private final byte[] trailer = new byte[3 + 4];
  private final CRC32C crc = new CRC32C();
  private Part part = Part.HEADER;
  private int have;
  private @Nullable Pdu pdu;
  private @Nullable ByteBuffer target;
  private int dataStart;
  private int dataLeft;
  private boolean headerDigest;
  private boolean dataDigest;
  private boolean paused;

  PduDecoder(Sink sink) {
    this.sink = sink;
  }

  boolean paused() {
    return paused;
  }

  /** Continues; from the next byte on these digests are in use. */
  void resume(boolean withHeaderDigest, boolean withDataDigest) {
    headerDigest = withHeaderDigest;
    dataDigest = withDataDigest;
    paused = false;
  }

  /** Consumes all complete input; leaves bytes only when paused. */
  void decode(ByteBuf in) throws IscsiException {
    while (!paused && in.isReadable()) {
      switch (part) {
        case HEADER -> header(in);
        case DATA -> data(in);
        case DATA_TRAILER -> trailer(in);
      }
    }
  }

  private void header(ByteBuf in) throws IscsiException {
    int length = Pdu.BHS_LENGTH;
    if (have >= length) {
      length += (header[4] & 0xff) * 4 + (headerDigest ? 4 : 0);
    }
    int count = Math.min(length - have, in.readableBytes());
    in.readBytes(header, have, count);
    have += count;
    if (have < length) {
      return;
    }
    int ahsLength = (header[4] & 0xff) * 4;
    int covered = Pdu.BHS_LENGTH + ahsLength;
    if (have < covered + (headerDigest ? 4 : 0)) {
      return;
    }
    if (headerDigest) {
      crc.reset();
      crc.update(header, 0, covered);
      check(header, covered, "header");
    }
    have = 0;
    Pdu next = new Pdu(java.util.Arrays.copyOf(header, Pdu.BHS_LENGTH));
    if (ahsLength > 0) {
      next.ahs(java.util.Arrays.copyOfRange(header, Pdu.BHS_LENGTH, covered));
    }
    pdu = next;
    int dataLength = next.dataSegmentLength();
    if (dataLength == 0) {
      deliver(next);
      return;
    }
    ByteBuffer destination = sink.destination(next, dataLength);
    target = destination;
    dataStart = destination.position();
    dataLeft = dataLength;
    part = Part.DATA;
  }

  private void data(ByteBuf in) throws IscsiException {
    ByteBuffer destination = java.util.Objects.requireNonNull(target);
    int count = Math.min(dataLeft, in.readableBytes());
    destination.limit(destination.position() + count);
    in.readBytes(destination);
    dataLeft -= count;
    if (dataLeft == 0) {
      part = Part.DATA_TRAILER;
      if (trailerLength() == 0) {
        endOfData();
      }
    }
  }

  private int trailerLength() {
    int length = java.util.Objects.requireNonNull(pdu).dataSegmentLength();
    return (-length & 3) + (dataDigest ? 4 : 0);
  }

  private void trailer(ByteBuf in) throws IscsiException {
    int count = Math.min(trailerLength() - have, in.readableBytes());
    in.readBytes(trailer, have, count);
    have += count;
    if (have == trailerLength()) {
      endOfData();
    }
  }

  private void endOfData() throws IscsiException {
    Pdu whole = java.util.Objects.requireNonNull(pdu);
    ByteBuffer segment = java.util.Objects.requireNonNull(target).duplicate();
    segment.flip().position(dataStart);
    int padding = -whole.dataSegmentLength() & 3;
    if (dataDigest) {
      crc.reset();
      crc.update(segment.duplicate());
      crc.update(trailer, 0, padding);
      check(trailer, padding, "data");
    }
    whole.attach(segment);
    target = null;
    have = 0;
    part = Part.HEADER;
    deliver(whole);
  }

  private void deliver(Pdu whole) throws IscsiException {
    pdu = null;
    paused = endsLogin(whole);
    sink.received(whole);
  }

  /** Login Response, T = 1, next stage full feature phase, status success. */
  private static boolean endsLogin(Pdu pdu) {
    return pdu.opcode() == Opcode.LOGIN_RESPONSE && (pdu.flags() & 0x83) == 0x83 && pdu.u8(36) == 0;
  }

  /** Digests go out with their least significant byte first (RFC 7143 13.1). */
  private void check(byte[] bytes, int offset, String what) throws IscsiException {
    long value = crc.getValue();
    for (int i = 0; i < 4; i++) {
      if (bytes[offset + i] != (byte) (value >>> (8 * i))) {
        throw new IscsiException("the target's " + what + " digest is wrong");
      }
    }
  }
}
