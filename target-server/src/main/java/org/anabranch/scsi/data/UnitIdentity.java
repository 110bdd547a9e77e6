// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.data;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The names of a logical unit that INQUIRY reports. They survive restarts, since initiators use
 * them to recognise a disk.
 *
 * @param id the key under which the server stores state of the unit (persistent reservations); it
 *     does not change when an administrator changes the other names
 * @param vendor at most 8 ASCII characters
 * @param product at most 16 ASCII characters
 * @param revision at most 4 ASCII characters
 * @param serial unit serial number, ASCII
 * @param t10 the T10 vendor ID designator, ASCII, at most 244 characters
 * @param naa the NAA designator, which hosts use to recognise the disk
 */
public record UnitIdentity(
    String id, String vendor, String product, String revision, String serial, String t10, Naa naa) {
  public static final String VENDOR = "ANABRNCH";
  public static final String PRODUCT = "volume";
  public static final String REVISION = "0001";

  /** Twelve digits, so that vendor and serial fit where EXTENDED COPY names a unit: 20 bytes. */
  private static final int SERIAL_BYTES = 6;

  /**
   * An identity whose digits come from a hash of two names: the same names give the same one. The
   * NAA is locally assigned (3).
   */
  public static UnitIdentity of(String scope, String name) {
    byte[] hash = sha256(scope + "\n" + name);
    long naa = 3L << 60 | (BigEndian.u64(hash, 0) & ((1L << 60) - 1));
    return of(HexFormat.of().formatHex(hash, 8, 8 + SERIAL_BYTES), new Naa(Long.toHexString(naa)));
  }

  /** An identity of ours with these digits. */
  public static UnitIdentity of(String serial, Naa naa) {
    return new UnitIdentity(serial, VENDOR, PRODUCT, REVISION, serial, t10(VENDOR, serial), naa);
  }

  /** The T10 vendor ID designator of a disk that has no other: its vendor and serial. */
  public static String t10(String vendor, String serial) {
    return String.format("%-8.8s", vendor) + serial;
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every Java has SHA-256.
    }
  }
}
