// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.ArrayDeque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * The data-out of one command: how far it is, which sequence of Data-Out PDUs is open, and which
 * were asked for (RFC 7143 4.2.5.2, 11.7, 11.8). One sequence comes after the other: the
 * unsolicited one, then the bursts in the order in which they were asked for. Lengths and offsets
 * are bytes.
 *
 * <p>Owned by the session's event loop.
 */
final class Transfer {
  /**
   * A burst that the initiator was asked for.
   *
   * @param sequence as {@link Transfer#sequence()}
   */
  record R2t(long sequence, int offset, int length) {
    int transferTag() {
      return (int) sequence & 0x7fffffff;
    }
  }

  /** What the command takes of the data. */
  private int length;

  private @Nullable ByteBuf buffer;

  private boolean unsolicited;
  private long unsolicitedSequence;

  /** How much may come unsolicited, immediate data included. */
  private long unsolicitedEnd;

  /** Asked for and not complete. */
  private @Nullable ArrayDeque<R2t> bursts;

  /** Where the next byte of the open sequence belongs. */
  private long offset;

  /** DataSN expected next in the open sequence. */
  private int dataSn;

  /** The open sequence has all its bytes, but not its F. */
  private boolean awaitsFinal;

  /** Up to where data came unasked or was asked for. */
  private long requested;

  private int r2tSn;

  // --- the data -----------------------------------------------------------------------------

  /** What the command takes; more is thrown away. */
  int length() {
    return length;
  }

  void length(int bytes) {
    length = bytes;
  }

  @Nullable ByteBuf buffer() {
    return buffer;
  }

  /** The buffer, as long as {@code wanted} at least; what came before stays in it. */
  ByteBuf buffer(int wanted, ByteBufAllocator allocator) {
    ByteBuf old = buffer;
    if (old != null && old.capacity() >= wanted) {
      return old;
    }
    ByteBuf longer = allocator.directBuffer(wanted, wanted);
    if (old != null) {
      longer.setBytes(0, old, 0, (int) Math.min(requested, old.capacity()));
      old.release();
    }
    buffer = longer;
    return longer;
  }

  void release() {
    if (buffer != null) {
      buffer.release();
      buffer = null;
    }
  }

  // --- sequences ----------------------------------------------------------------------------

  /** More Data-Out PDUs may be on their way. */
  boolean isOpen() {
    return unsolicited || burst() != null;
  }

  /** Unsolicited data will come, or is coming. */
  boolean isUnsolicited() {
    return unsolicited;
  }

  /**
   * Unsolicited data will come.
   *
   * @param sequence its number among all of the session
   * @param end how much may come, immediate data included
   */
  void openUnsolicited(long sequence, long end) {
    unsolicited = true;
    unsolicitedSequence = sequence;
    unsolicitedEnd = end;
  }

  /** Immediate data has come, of 0 bytes or more. */
  void immediate(int bytes) {
    offset = bytes;
    requested = bytes;
  }

  /** There is data that neither came nor was asked for, and now is the time to ask. */
  boolean wantsMore() {
    return !unsolicited && requested < length;
  }

  /** Asks for the next burst, of at most {@code most} bytes. */
  R2t ask(long sequence, int most) {
    R2t burst = new R2t(sequence, (int) requested, (int) Math.min(length - requested, most));
    if (bursts == null) {
      bursts = new ArrayDeque<>(4);
    }
    if (bursts.isEmpty()) {
      begin(burst);
    }
    bursts.add(burst);
    requested += burst.length();
    return burst;
  }

  /** R2TSN of the next R2T, and afterwards how many there were. */
  int nextR2tSn() {
    return r2tSn++;
  }

  int r2tCount() {
    return r2tSn;
  }

  int outstanding() {
    return bursts == null ? 0 : bursts.size();
  }

  /** The burst that comes now, or would if no unsolicited data came. */
  @Nullable R2t burst() {
    return bursts == null ? null : bursts.peek();
  }

  /** Whether the transfer tag is of the burst behind the one that comes now. */
  boolean isNext(int transferTag) {
    if (bursts == null || bursts.size() < 2) {
      return false;
    }
    Iterator<R2t> order = bursts.iterator();
    order.next();
    return order.next().transferTag() == transferTag;
  }

  /** Number of the open sequence among all of the session, in the order they were due. */
  long sequence() {
    R2t burst = burst();
    return unsolicited || burst == null ? unsolicitedSequence : burst.sequence();
  }

  /** Where the open sequence ends at most. */
  private long end() {
    R2t burst = burst();
    return unsolicited || burst == null ? unsolicitedEnd : (long) burst.offset() + burst.length();
  }

  /** How far the open sequence is. */
  long offset() {
    return offset;
  }

  /** The sense data that a Data-Out PDU with these fields ends the command with, or null. */
  byte @Nullable [] check(int sequenceNumber, long bufferOffset, int bytes) {
    if (sequenceNumber != dataSn || bufferOffset != offset) {
      return TransportSense.PROTOCOL_SERVICE_CRC_ERROR;
    }
    return bufferOffset + bytes > end() ? TransportSense.INCORRECT_AMOUNT_OF_DATA : null;
  }

  /** A Data-Out PDU of the open sequence has come. */
  void received(int bytes) {
    offset += bytes;
    dataSn++;
    if (unsolicited) {
      requested = offset;
    }
  }

  /** The open sequence has all the bytes that it can have. */
  boolean isFull() {
    return offset >= end();
  }

  boolean awaitsFinal() {
    return awaitsFinal;
  }

  void awaitFinal() {
    awaitsFinal = true;
  }

  /** The open sequence is over; the next burst is the open one. */
  void endSequence() {
    awaitsFinal = false;
    if (unsolicited) {
      unsolicited = false;
      return;
    }
    if (bursts != null) {
      bursts.remove();
      R2t next = bursts.peek();
      if (next != null) {
        begin(next);
      }
    }
  }

  private void begin(R2t burst) {
    offset = burst.offset();
    dataSn = 0;
  }
}
