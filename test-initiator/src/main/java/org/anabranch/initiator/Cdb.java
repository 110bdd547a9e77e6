// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.nio.ByteBuffer;

/**
 * Command descriptor blocks (SPC-4, SBC-3). Reads and writes use the 10-byte form if address and
 * length fit, otherwise the 16-byte form. Lengths are in blocks of the logical unit unless stated
 * in bytes.
 */
public final class Cdb {
  /** DPO and FUA, and whatever else stands in byte 1 of a read or write. */
  public static final int FUA = 0x08;

  private Cdb() {}

  public static byte[] testUnitReady() {
    return new byte[6];
  }

  /** Standard INQUIRY data of at most {@code bytes}. */
  public static byte[] inquiry(int bytes) {
    return new byte[] {0x12, 0, 0, (byte) (bytes >>> 8), (byte) bytes, 0};
  }

  /** A vital product data page. */
  public static byte[] inquiryPage(int page, int bytes) {
    return new byte[] {0x12, 1, (byte) page, (byte) (bytes >>> 8), (byte) bytes, 0};
  }

  /** REQUEST SENSE; {@code bytes} up to 255. */
  public static byte[] requestSense(int bytes) {
    return new byte[] {0x03, 0, 0, 0, (byte) bytes, 0};
  }

  public static byte[] readCapacity10() {
    byte[] cdb = new byte[10];
    cdb[0] = 0x25;
    return cdb;
  }

  /** READ CAPACITY (16), which returns 32 bytes. */
  public static byte[] readCapacity16() {
    return ByteBuffer.allocate(16).put(0, (byte) 0x9e).put(1, (byte) 0x10).putInt(10, 32).array();
  }

  public static byte[] reportLuns(int bytes) {
    return ByteBuffer.allocate(12).put(0, (byte) 0xa0).putInt(6, bytes).array();
  }

  /** MODE SENSE (6) of a page with the current values. */
  public static byte[] modeSense6(int page, int bytes) {
    return new byte[] {0x1a, 0, (byte) page, 0, (byte) bytes, 0};
  }

  public static byte[] read(long lba, int blocks) {
    return sized(0x28, 0x88, 0, lba, blocks);
  }

  public static byte[] write(long lba, int blocks, boolean fua) {
    return sized(0x2a, 0x8a, fua ? FUA : 0, lba, blocks);
  }

  /** VERIFY with BYTCHK=01b: compares with data-out. */
  public static byte[] verify(long lba, int blocks) {
    return sized(0x2f, 0x8f, 0x02, lba, blocks);
  }

  /** SYNCHRONIZE CACHE (10) of the whole medium. */
  public static byte[] synchronizeCache() {
    byte[] cdb = new byte[10];
    cdb[0] = 0x35;
    return cdb;
  }

  /** UNMAP with a parameter list of this many bytes. */
  public static byte[] unmap(int bytes) {
    return ByteBuffer.allocate(10).put(0, (byte) 0x42).putShort(7, (short) bytes).array();
  }

  /** The parameter list of an UNMAP with one descriptor. */
  public static ByteBuffer unmapList(long lba, int blocks) {
    return ByteBuffer.allocate(24)
        .putShort(0, (short) 22)
        .putShort(2, (short) 16)
        .putLong(8, lba)
        .putInt(16, blocks);
  }

  private static byte[] sized(int ten, int sixteen, int flags, long lba, int blocks) {
    if (lba < 0 || blocks < 0) {
      throw new IllegalArgumentException("blocks " + lba + "+" + blocks);
    }
    if (lba <= 0xffff_ffffL && blocks <= 0xffff) {
      return ByteBuffer.allocate(10)
          .put(0, (byte) ten)
          .put(1, (byte) flags)
          .putInt(2, (int) lba)
          .putShort(7, (short) blocks)
          .array();
    }
    return ByteBuffer.allocate(16)
        .put(0, (byte) sixteen)
        .put(1, (byte) flags)
        .putLong(2, lba)
        .putInt(10, blocks)
        .array();
  }
}
