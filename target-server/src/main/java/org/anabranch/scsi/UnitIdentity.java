// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * What a logical unit is called, for INQUIRY. Stable over restarts: initiators recognise a disk by
 * it, and so do persistent reservations.
 *
 * @param vendor at most 8 ASCII characters
 * @param product at most 16 ASCII characters
 * @param revision at most 4 ASCII characters
 * @param serial unit serial number, ASCII
 * @param naa a locally assigned NAA designator: the upper four bits are 3 (SPC-4 7.8.6.6)
 */
public record UnitIdentity(
    String vendor, String product, String revision, String serial, long naa) {
  private static final String VENDOR = "ANABRNCH";
  private static final String REVISION = "0001";

  /** The identity of a volume behind a target: its digits come from a hash of the two names. */
  public static UnitIdentity of(String targetName, String volume) {
    byte[] hash = sha256(targetName + "\n" + volume);
    long naa = 3L << 60 | (Bytes.u64(hash, 0) & ((1L << 60) - 1));
    return new UnitIdentity(VENDOR, "volume", REVISION, HexFormat.of().formatHex(hash, 0, 10), naa);
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every Java has SHA-256.
    }
  }
}
