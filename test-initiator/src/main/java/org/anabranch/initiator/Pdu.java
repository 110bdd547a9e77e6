// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One iSCSI PDU: basic header segment, additional header segments, data segment (RFC 7143 11.2).
 *
 * <p>A PDU is bytes with named fields, which nothing keeps consistent: {@link #data} sets
 * DataSegmentLength and {@link #ahs} sets TotalAHSLength, but a later {@link
 * #dataSegmentLength(int)} or {@link #totalAhsLength(int)} overrides that and is sent as it is. So
 * malformed PDUs are as easy to send as correct ones. The connection adds padding and digests; the
 * {@code corrupt...} flags make the digests wrong.
 *
 * <p>Not thread-safe; it belongs to its creator until it is sent.
 */
public final class Pdu {
  /** Bytes of a basic header segment. */
  public static final int BHS_LENGTH = 48;

  /** The reserved tag: no task, or no transfer (RFC 7143 11.2.1.8). */
  public static final int NO_TAG = 0xffff_ffff;

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final byte[] NO_BYTES = {};
  private static final ByteBuffer NO_DATA = ByteBuffer.allocate(0).asReadOnlyBuffer();

  private final byte[] bhs;
  private byte[] ahs = NO_BYTES;
  private ByteBuffer data = NO_DATA;
  private boolean headerDigestCorrupt;
  private boolean dataDigestCorrupt;

  /** A PDU that is all zeros except for its opcode. */
  public Pdu(int opcode) {
    bhs = new byte[BHS_LENGTH];
    bhs[0] = (byte) opcode;
  }

  /** A PDU with this header, which is not copied. */
  Pdu(byte[] bhs) {
    this.bhs = bhs;
  }

  /** The header itself, not a copy. */
  public byte[] bhs() {
    return bhs;
  }

  public int opcode() {
    return bhs[0] & 0x3f;
  }

  public boolean immediate() {
    return (bhs[0] & 0x40) != 0;
  }

  public Pdu immediate(boolean on) {
    bhs[0] = (byte) (on ? bhs[0] | 0x40 : bhs[0] & ~0x40);
    return this;
  }

  /** Byte 1: F, and the other bits that the opcode defines there. */
  public int flags() {
    return bhs[1] & 0xff;
  }

  public Pdu flags(int flags) {
    bhs[1] = (byte) flags;
    return this;
  }

  /** F, or T in a login: the highest bit of the flags. */
  public boolean isFinal() {
    return (bhs[1] & 0x80) != 0;
  }

  public int u8(int offset) {
    return bhs[offset] & 0xff;
  }

  public Pdu u8(int offset, int value) {
    bhs[offset] = (byte) value;
    return this;
  }

  public int u16(int offset) {
    return (u8(offset) << 8) | u8(offset + 1);
  }

  public Pdu u16(int offset, int value) {
    return u8(offset, value >>> 8).u8(offset + 1, value);
  }

  /** 32 bits of the header. */
  public int i32(int offset) {
    return (int) INT.get(bhs, offset);
  }

  public Pdu i32(int offset, int value) {
    INT.set(bhs, offset, value);
    return this;
  }

  public long i64(int offset) {
    return (long) LONG.get(bhs, offset);
  }

  public Pdu i64(int offset, long value) {
    LONG.set(bhs, offset, value);
    return this;
  }

  /** In words of four bytes. */
  public int totalAhsLength() {
    return u8(4);
  }

  public Pdu totalAhsLength(int words) {
    return u8(4, words);
  }

  /** In bytes, without padding. */
  public int dataSegmentLength() {
    return i32(4) & 0xff_ffff;
  }

  public Pdu dataSegmentLength(int bytes) {
    return i32(4, (bhs[4] << 24) | (bytes & 0xff_ffff));
  }

  /** The LUN field's eight bytes, big endian. */
  public long lun() {
    return i64(8);
  }

  public Pdu lun(long lun) {
    return i64(8, lun);
  }

  public int taskTag() {
    return i32(16);
  }

  public Pdu taskTag(int tag) {
    return i32(16, tag);
  }

  /** Target transfer tag, or the referenced task's tag: bytes 20 to 23. */
  public int transferTag() {
    return i32(20);
  }

  public Pdu transferTag(int tag) {
    return i32(20, tag);
  }

  /** In an initiator's PDU. */
  public int cmdSn() {
    return i32(24);
  }

  public Pdu cmdSn(int sn) {
    return i32(24, sn);
  }

  /** In an initiator's PDU. */
  public int expStatSn() {
    return i32(28);
  }

  public Pdu expStatSn(int sn) {
    return i32(28, sn);
  }

  /** In a target's PDU. */
  public int statSn() {
    return i32(24);
  }

  /** In a target's PDU. */
  public int expCmdSn() {
    return i32(28);
  }

  /** In a target's PDU. */
  public int maxCmdSn() {
    return i32(32);
  }

  /** DataSN or R2TSN. */
  public int dataSn() {
    return i32(36);
  }

  public Pdu dataSn(int sn) {
    return i32(36, sn);
  }

  public int bufferOffset() {
    return i32(40);
  }

  public Pdu bufferOffset(int offset) {
    return i32(40, offset);
  }

  /** All additional header segments, their own headers included. */
  public byte[] ahs() {
    return ahs;
  }

  /** Sets TotalAHSLength too; the length should be a multiple of four. */
  public Pdu ahs(byte[] segments) {
    ahs = segments;
    return totalAhsLength((segments.length + 3) / 4);
  }

  /** The data segment without padding, from position to limit, which must not be changed. */
  public ByteBuffer data() {
    return data;
  }

  /** A copy of the data segment. */
  public byte[] dataBytes() {
    byte[] copy = new byte[data.remaining()];
    data.get(data.position(), copy);
    return copy;
  }

  /** Sets DataSegmentLength too. The bytes are not copied and must not change until sent. */
  public Pdu data(ByteBuffer segment) {
    attach(segment);
    return dataSegmentLength(segment.remaining());
  }

  public Pdu data(byte[] segment) {
    return data(ByteBuffer.wrap(segment));
  }

  /** A data segment of text keys. */
  public Pdu data(String text) {
    return data(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Sets the data segment without changing the header. */
  void attach(ByteBuffer segment) {
    data = segment;
  }

  boolean headerDigestCorrupt() {
    return headerDigestCorrupt;
  }

  boolean dataDigestCorrupt() {
    return dataDigestCorrupt;
  }

  /** Sends a wrong header digest, if header digests are in use. */
  public Pdu corruptHeaderDigest() {
    headerDigestCorrupt = true;
    return this;
  }

  /** Sends a wrong data digest, if data digests are in use and there is data. */
  public Pdu corruptDataDigest() {
    dataDigestCorrupt = true;
    return this;
  }

  /** A copy of the headers, with the same data. */
  public Pdu copy() {
    Pdu copy = new Pdu(bhs.clone());
    copy.ahs = ahs.clone();
    copy.data = data;
    return copy;
  }

  @Override
  public String toString() {
    return String.format(
        "%s%s flags %02x ahs %d data %d tag %08x ttt %08x sn %08x/%08x/%08x %s",
        Opcode.name(opcode()),
        immediate() ? " (immediate)" : "",
        flags(),
        totalAhsLength(),
        dataSegmentLength(),
        taskTag(),
        transferTag(),
        i32(24),
        i32(28),
        i32(32),
        Arrays.toString(Arrays.copyOfRange(bhs, 36, 48)));
  }
}
