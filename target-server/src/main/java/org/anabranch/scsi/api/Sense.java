// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

import java.nio.ByteBuffer;
import org.anabranch.block.IoError;

/**
 * Sense data (SPC-4 4.5), independent of its format.
 *
 * @param information the INFORMATION field: an LBA, an offset or a residual; -1 for none
 * @param segment the third and fourth bytes of the COMMAND-SPECIFIC INFORMATION field: a segment of
 *     a copy; -1 for none
 * @param specific the sense-key-specific bytes, 24 bits with SKSV on top; 0 for none
 */
public record Sense(SenseCode code, long information, int segment, int specific) {
  private static final int SKSV = 0x800000;
  private static final int IN_CDB = 0x400000;
  private static final int BIT_POINTER_VALID = 0x080000;

  private static final int FIXED_LENGTH = 18;
  private static final int DESCRIPTOR_HEADER = 8;
  private static final int INFORMATION_DESCRIPTOR = 12;
  private static final int COMMAND_DESCRIPTOR = 12;
  private static final int SPECIFIC_DESCRIPTOR = 8;

  /** Whether it says that the device failed: MEDIUM ERROR or HARDWARE ERROR. */
  public boolean isDeviceError() {
    return code.key == SenseKey.MEDIUM_ERROR || code.key == SenseKey.HARDWARE_ERROR;
  }

  public static Sense of(SenseCode code) {
    return new Sense(code, -1, -1, 0);
  }

  public static Sense of(SenseCode code, long information) {
    return new Sense(code, information, -1, 0);
  }

  /** ILLEGAL REQUEST that points at a byte of the CDB, and at a bit of it unless that is -1. */
  public static Sense inCdb(SenseCode code, int at, int bit) {
    return new Sense(code, -1, -1, IN_CDB | pointer(at, bit));
  }

  /** The same for the parameter list. */
  public static Sense inParameters(SenseCode code, int at, int bit) {
    return new Sense(code, -1, -1, pointer(at, bit));
  }

  /** NOT READY or NO SENSE with a progress indication, in units of 1/65536. */
  public static Sense progress(SenseCode code, int progress) {
    return new Sense(code, -1, -1, SKSV | Math.min(progress, 0xffff));
  }

  /**
   * The failure of a segment of a copy.
   *
   * @param residual how many blocks of the destination were not written; -1 if none was
   */
  public static Sense inSegment(SenseCode code, int segment, long residual) {
    return new Sense(code, residual, segment, 0);
  }

  private static int pointer(int at, int bit) {
    return SKSV | (bit < 0 ? 0 : BIT_POINTER_VALID | bit << 16) | (at & 0xffff);
  }

  /**
   * How a command ends whose Io failed while it read.
   *
   * <pre>
   *   IO             MEDIUM ERROR, unrecovered read error, with the LBA; see {@link #ofWrite}
   *   NO_SPACE       DATA PROTECT, space allocation failed write protect
   *   READ_ONLY      DATA PROTECT, write protected
   *   NOT_SUPPORTED  ILLEGAL REQUEST, invalid command operation code
   *   OUT_OF_RANGE   ILLEGAL REQUEST, LBA out of range (the device shrank under the command)
   *   GONE           HARDWARE ERROR, logical unit communication failure
   *   ELSEWHERE      NOT READY, logical unit not accessible, target port in standby state
   * </pre>
   *
   * @param lba the first block that may be bad
   */
  public static Sense ofRead(IoError error, long lba) {
    return of(error, SenseCode.UNRECOVERED_READ_ERROR, lba);
  }

  /** The same for an Io that wrote, discarded or flushed: IO is a write error. */
  public static Sense ofWrite(IoError error, long lba) {
    return of(error, SenseCode.WRITE_ERROR, lba);
  }

  private static Sense of(IoError error, SenseCode io, long lba) {
    return switch (error.kind()) {
      case IO -> of(io, lba);
      case NO_SPACE -> of(SenseCode.SPACE_ALLOCATION_FAILED);
      case READ_ONLY -> of(SenseCode.WRITE_PROTECTED);
      case NOT_SUPPORTED -> of(SenseCode.INVALID_COMMAND_OPERATION_CODE);
      case OUT_OF_RANGE -> of(SenseCode.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE, lba);
      case GONE -> of(SenseCode.UNIT_COMMUNICATION_FAILURE);
      case ELSEWHERE -> of(SenseCode.PORT_IN_STANDBY);
    };
  }

  /** How sense data is laid out (SPC-4 4.5.2, 4.5.3). */
  public enum Format {
    FIXED,
    DESCRIPTOR
  }

  /** The bytes that go on the wire. */
  public byte[] encode(Format format) {
    return format == Format.DESCRIPTOR ? descriptorFormat() : fixedFormat();
  }

  /** SPC-4 4.5.3. An INFORMATION that needs more than 32 bits is left out. */
  private byte[] fixedFormat() {
    ByteBuffer sense = ByteBuffer.allocate(FIXED_LENGTH);
    boolean valid = information >= 0 && information <= 0xffff_ffffL;
    sense.put(0, (byte) (valid ? 0xf0 : 0x70));
    sense.put(2, (byte) code.key.code);
    sense.putInt(3, valid ? (int) information : 0);
    sense.put(7, (byte) (FIXED_LENGTH - 8));
    sense.putShort(10, (short) Math.max(0, segment));
    sense.putShort(12, (short) code.additional);
    sense.putInt(14, specific); // the field replaceable unit code before it is 0
    return sense.array();
  }

  /** SPC-4 4.5.2. */
  private byte[] descriptorFormat() {
    int length =
        DESCRIPTOR_HEADER
            + (information >= 0 ? INFORMATION_DESCRIPTOR : 0)
            + (segment >= 0 ? COMMAND_DESCRIPTOR : 0)
            + (specific != 0 ? SPECIFIC_DESCRIPTOR : 0);
    ByteBuffer sense = ByteBuffer.allocate(length);
    sense.put((byte) 0x72).put((byte) code.key.code).putShort((short) code.additional);
    sense.put(7, (byte) (length - DESCRIPTOR_HEADER)).position(DESCRIPTOR_HEADER);
    if (information >= 0) {
      sense.put((byte) 0x00).put((byte) (INFORMATION_DESCRIPTOR - 2)).putShort((short) 0x8000);
      sense.putLong(information);
    }
    if (segment >= 0) {
      sense.put((byte) 0x01).put((byte) (COMMAND_DESCRIPTOR - 2)).putInt(0);
      sense.putShort((short) segment).putInt(0);
    }
    if (specific != 0) {
      sense.put((byte) 0x02).put((byte) (SPECIFIC_DESCRIPTOR - 2)).putShort((short) 0);
      sense.putInt(specific << 8);
    }
    return sense.array();
  }
}
