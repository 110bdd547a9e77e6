// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import org.anabranch.block.IoError;

/**
 * Sense data (SPC-4 4.5), independent of its format.
 *
 * @param information the INFORMATION field: an LBA, an offset or a residual; -1 for none
 * @param segment the third and fourth bytes of the COMMAND-SPECIFIC INFORMATION field: a segment of
 *     a copy; -1 for none
 * @param specific the sense-key-specific bytes, 24 bits with SKSV on top; 0 for none
 */
record Sense(SenseCode code, long information, int segment, int specific) {
  private static final int SKSV = 0x800000;
  private static final int IN_CDB = 0x400000;
  private static final int BIT_POINTER_VALID = 0x080000;

  private static final int FIXED_LENGTH = 18;
  private static final int DESCRIPTOR_HEADER = 8;
  private static final int INFORMATION_DESCRIPTOR = 12;
  private static final int COMMAND_DESCRIPTOR = 12;
  private static final int SPECIFIC_DESCRIPTOR = 8;

  static Sense of(SenseCode code) {
    return new Sense(code, -1, -1, 0);
  }

  static Sense of(SenseCode code, long information) {
    return new Sense(code, information, -1, 0);
  }

  /** ILLEGAL REQUEST that points at a byte of the CDB, and at a bit of it unless that is -1. */
  static Sense inCdb(SenseCode code, int at, int bit) {
    return new Sense(code, -1, -1, IN_CDB | pointer(at, bit));
  }

  /** The same for the parameter list. */
  static Sense inParameters(SenseCode code, int at, int bit) {
    return new Sense(code, -1, -1, pointer(at, bit));
  }

  /** NOT READY or NO SENSE with how much is done, in 65536ths. */
  static Sense progress(SenseCode code, int progress) {
    return new Sense(code, -1, -1, SKSV | Math.min(progress, 0xffff));
  }

  /**
   * What became of a segment of a copy.
   *
   * @param residual how many blocks of the destination were not written; -1 if none was
   */
  static Sense inSegment(SenseCode code, int segment, long residual) {
    return new Sense(code, residual, segment, 0);
  }

  private static int pointer(int at, int bit) {
    return SKSV | (bit < 0 ? 0 : BIT_POINTER_VALID | bit << 16) | (at & 0xffff);
  }

  /**
   * What an initiator is told of a failed Io.
   *
   * <pre>
   *   IO             MEDIUM ERROR, unrecovered read error or write error, with the LBA
   *   NO_SPACE       DATA PROTECT, space allocation failed write protect
   *   READ_ONLY      DATA PROTECT, write protected
   *   NOT_SUPPORTED  ILLEGAL REQUEST, invalid command operation code
   *   OUT_OF_RANGE   ILLEGAL REQUEST, LBA out of range (the device shrank under the command)
   *   GONE           HARDWARE ERROR, logical unit communication failure
   * </pre>
   *
   * @param writing whether data was on its way to the medium
   * @param lba the first block that may be bad
   */
  static Sense of(IoError error, boolean writing, long lba) {
    return switch (error.kind()) {
      case IO -> of(writing ? SenseCode.WRITE_ERROR : SenseCode.UNRECOVERED_READ_ERROR, lba);
      case NO_SPACE -> of(SenseCode.SPACE_ALLOCATION_FAILED);
      case READ_ONLY -> of(SenseCode.WRITE_PROTECTED);
      case NOT_SUPPORTED -> of(SenseCode.INVALID_COMMAND_OPERATION_CODE);
      case OUT_OF_RANGE -> of(SenseCode.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE, lba);
      case GONE -> of(SenseCode.UNIT_COMMUNICATION_FAILURE);
    };
  }

  /** The bytes that go on the wire; {@code descriptors} as D_SENSE of the control mode page. */
  byte[] encode(boolean descriptors) {
    return descriptors ? descriptorFormat() : fixedFormat();
  }

  /** SPC-4 4.5.3. An INFORMATION that needs more than 32 bits is left out. */
  private byte[] fixedFormat() {
    byte[] sense = new byte[FIXED_LENGTH];
    boolean valid = information >= 0 && information <= 0xffff_ffffL;
    sense[0] = (byte) (valid ? 0xf0 : 0x70);
    sense[2] = (byte) code.key.code;
    BigEndian.put32(sense, 3, valid ? information : 0);
    sense[7] = FIXED_LENGTH - 8;
    BigEndian.put16(sense, 10, Math.max(0, segment));
    BigEndian.put16(sense, 12, code.additional);
    BigEndian.put24(sense, 15, specific);
    return sense;
  }

  /** SPC-4 4.5.2. */
  private byte[] descriptorFormat() {
    int length =
        DESCRIPTOR_HEADER
            + (information >= 0 ? INFORMATION_DESCRIPTOR : 0)
            + (segment >= 0 ? COMMAND_DESCRIPTOR : 0)
            + (specific != 0 ? SPECIFIC_DESCRIPTOR : 0);
    byte[] sense = new byte[length];
    sense[0] = 0x72;
    sense[1] = (byte) code.key.code;
    BigEndian.put16(sense, 2, code.additional);
    sense[7] = (byte) (length - DESCRIPTOR_HEADER);
    int at = DESCRIPTOR_HEADER;
    if (information >= 0) {
      sense[at] = 0x00;
      sense[at + 1] = INFORMATION_DESCRIPTOR - 2;
      sense[at + 2] = (byte) 0x80;
      BigEndian.put64(sense, at + 4, information);
      at += INFORMATION_DESCRIPTOR;
    }
    if (segment >= 0) {
      sense[at] = 0x01;
      sense[at + 1] = COMMAND_DESCRIPTOR - 2;
      BigEndian.put16(sense, at + 6, segment);
      at += COMMAND_DESCRIPTOR;
    }
    if (specific != 0) {
      sense[at] = 0x02;
      sense[at + 1] = SPECIFIC_DESCRIPTOR - 2;
      BigEndian.put24(sense, at + 4, specific);
    }
    return sense;
  }
}
