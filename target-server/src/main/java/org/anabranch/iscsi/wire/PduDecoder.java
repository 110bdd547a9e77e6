// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a connection's bytes into PDUs (RFC 7143 11.2).
 *
 * <pre>
 *   BASIC     48 bytes: now all lengths are known, and checked before anything is kept
 *   EXTENDED  additional header segments, header digest  -> receiver.begin
 *   DATA      from the socket's buffer to where the receiver wants it, any piece at a time; what is
 *             long can be read there by the socket itself (see room)
 *   TRAILER   pad, data digest                           -> receiver.complete
 * </pre>
 *
 * Only the header is buffered, so the lengths that a PDU claims cost no memory. Data goes only to
 * the sink that the receiver provides. Owned by the connection's event loop.
 */
public final class PduDecoder {
  /** Receives the PDUs of a connection. It may change between two PDUs. */
  public interface Receiver {
    /** The lengths are known, and nothing else is checked yet. False if the decoder has halted. */
    boolean fits(Pdu pdu);

    /** The header is complete and its digest is correct. May set a sink. */
    void begin(Pdu pdu);

    /** The data segment is complete; {@code digestRight} is true where none is in use. */
    void complete(Pdu pdu, boolean digestRight);

    /** The header digest is wrong, so the start of the next PDU is unknown. */
    void headerDigestWrong();
  }

  private enum Part {
    BASIC,
    EXTENDED,
    DATA,
    TRAILER
  }

  private static final int DIGEST = 4;

  private final Pdu pdu = new Pdu();
  private final CRC32C crc = new CRC32C();
  private final ByteBuf trailer = Unpooled.buffer(3 + DIGEST, 3 + DIGEST);
  private Receiver receiver;
  private Part part = Part.BASIC;
  private boolean headerDigest;
  private boolean dataDigest;
  private boolean halted;
  private int dataMissing;
  private long completed;

  public PduDecoder(Receiver receiver) {
    this.receiver = receiver;
  }

  /** From the next PDU on. */
  public void receiver(Receiver next) {
    receiver = next;
  }

  /** From the next PDU on. */
  public void digests(Digests digests) {
    headerDigest = digests.coverHeaders();
    dataDigest = digests.coverData();
  }

  /** Stops before the next byte; {@link #decode} then leaves its input as it is. */
  public void halt() {
    halted = true;
  }

  public void resume() {
    halted = false;
  }

  /**
   * Memory where the bytes that come next belong, if they are data of which at least {@code least}
   * bytes are missing; otherwise null. What the socket puts there goes to {@link #decode} next. The
   * caller releases it.
   */
  public @Nullable ByteBuf room(int least) {
    return part == Part.DATA ? pdu.room(least) : null;
  }

  /** How many PDUs have come. */
  public long completed() {
    return completed;
  }

  /** Whether a part of a PDU has come, and not all of it. */
  public boolean isInside() {
    return part != Part.BASIC || pdu.header().isReadable();
  }

  /** The connection is closed: releases an incomplete PDU. */
  public void close() {
    halted = true;
    pdu.clear();
  }

  /** Decodes as much of {@code in} as possible, or until it is halted. */
  public void decode(ByteBuf in) {
    while (!halted && step(in)) {
      // each step is a part of a PDU
    }
  }

  private boolean step(ByteBuf in) {
    return switch (part) {
      case BASIC -> basic(in);
      case EXTENDED -> extended(in);
      case DATA -> data(in);
      case TRAILER -> trailer(in);
    };
  }

  private boolean basic(ByteBuf in) {
    if (!fill(pdu.header(), in, Pdu.BASIC_HEADER)) {
      return false;
    }
    part = Part.EXTENDED;
    return receiver.fits(pdu);
  }

  private boolean extended(ByteBuf in) {
    int length = Pdu.BASIC_HEADER + pdu.additionalLength();
    if (!fill(pdu.header(), in, length + (headerDigest ? DIGEST : 0))) {
      return false;
    }
    if (headerDigest) {
      crc.reset();
      crc.update(pdu.header().array(), pdu.header().arrayOffset(), length);
      if ((int) crc.getValue() != pdu.header().getIntLE(length)) {
        receiver.headerDigestWrong();
        return false;
      }
    }
    crc.reset();
    dataMissing = pdu.dataLength();
    part = Part.DATA;
    receiver.begin(pdu);
    return true;
  }

  private boolean data(ByteBuf in) {
    int length = Math.min(dataMissing, in.readableBytes());
    if (length > 0) {
      if (dataDigest) {
        crc.update(in.nioBuffer(in.readerIndex(), length));
      }
      pdu.take(in, length);
      dataMissing -= length;
    }
    if (dataMissing > 0) {
      return false;
    }
    trailer.clear();
    part = Part.TRAILER;
    return true;
  }

  private boolean trailer(ByteBuf in) {
    int pad = -pdu.dataLength() & 3;
    boolean digest = dataDigest && pdu.dataLength() > 0;
    if (!fill(trailer, in, pad + (digest ? DIGEST : 0))) {
      return false;
    }
    boolean right = true;
    if (digest) {
      crc.update(trailer.array(), trailer.arrayOffset(), pad);
      right = (int) crc.getValue() == trailer.getIntLE(pad);
    }
    part = Part.BASIC;
    completed++;
    receiver.complete(pdu, right);
    pdu.clear();
    return true;
  }

  /** Moves bytes until {@code into} holds {@code length}. False if there are not enough yet. */
  private static boolean fill(ByteBuf into, ByteBuf in, int length) {
    int missing = length - into.readableBytes();
    int available = Math.min(missing, in.readableBytes());
    if (available > 0) {
      into.writeBytes(in, available);
    }
    return available == missing;
  }
}
