// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.data;

import java.nio.charset.StandardCharsets;

/** Fields of CDBs, parameter lists and replies: unsigned, big endian (SPC-4 3.5). */
public final class BigEndian {
  private BigEndian() {}

  public static int u8(byte[] from, int at) {
    return from[at] & 0xff;
  }

  public static int u16(byte[] from, int at) {
    return u8(from, at) << 8 | u8(from, at + 1);
  }

  public static int u24(byte[] from, int at) {
    return u8(from, at) << 16 | u16(from, at + 1);
  }

  public static long u32(byte[] from, int at) {
    return (long) u16(from, at) << 16 | u16(from, at + 2);
  }

  /** All 64 bits; a value of 2^63 or more comes out negative. */
  public static long u64(byte[] from, int at) {
    return u32(from, at) << 32 | u32(from, at + 4);
  }

  public static boolean bit(byte[] from, int at, int bit) {
    return (from[at] >> bit & 1) != 0;
  }

  public static void put16(byte[] to, int at, int value) {
    to[at] = (byte) (value >> 8);
    to[at + 1] = (byte) value;
  }

  public static void put24(byte[] to, int at, int value) {
    to[at] = (byte) (value >> 16);
    put16(to, at + 1, value);
  }

  public static void put32(byte[] to, int at, long value) {
    put16(to, at, (int) (value >> 16));
    put16(to, at + 2, (int) value);
  }

  public static void put64(byte[] to, int at, long value) {
    put32(to, at, value >> 32);
    put32(to, at + 4, value);
  }

  /** An ASCII data field: left aligned, padded with spaces, cut to {@code length} (SPC-4 4.3.1). */
  public static void putAscii(byte[] to, int at, int length, String text) {
    byte[] ascii = text.getBytes(StandardCharsets.US_ASCII);
    for (int i = 0; i < length; i++) {
      to[at + i] = i < ascii.length ? ascii[i] : (byte) ' ';
    }
  }
}
