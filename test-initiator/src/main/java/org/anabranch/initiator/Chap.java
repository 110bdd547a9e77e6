// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;

/**
 * Challenge-Handshake Authentication (RFC 7143 12.1.3, RFC 1994): the response is the hash of
 * identifier, secret and challenge.
 */
public enum Chap {
  MD5(5, "MD5", 16),
  SHA1(6, "SHA-1", 20),
  SHA256(7, "SHA-256", 32),
  SHA3_256(8, "SHA3-256", 32);

  private final int number;
  private final String algorithm;
  private final int length;

  Chap(int number, String algorithm, int length) {
    this.number = number;
    this.algorithm = algorithm;
    this.length = length;
  }

  /** Its number in CHAP_A. */
  public int number() {
    return number;
  }

  /** Bytes of a response. */
  public int length() {
    return length;
  }

  /** The algorithm that a CHAP_A value names. */
  static Chap numbered(String value) throws IscsiException {
    for (Chap chap : values()) {
      if (value.equals(Integer.toString(chap.number))) {
        return chap;
      }
    }
    throw new IscsiException("the target chose CHAP_A=" + value + ", which was not offered");
  }

  /**
   * The response, which proves knowledge of the secret.
   *
   * @param identifier CHAP_I, 0 to 255
   */
  public byte[] response(int identifier, String secret, byte[] challenge) {
    try {
      MessageDigest digest = MessageDigest.getInstance(algorithm);
      digest.update((byte) identifier);
      digest.update(secret.getBytes(StandardCharsets.UTF_8));
      return digest.digest(challenge);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK lacks " + algorithm, e);
    }
  }

  /** A binary value in the hexadecimal form of RFC 7143 6.1. */
  static String encode(byte[] value) {
    return "0x" + HexFormat.of().formatHex(value);
  }

  /** A binary value in either form, 0x or 0b. */
  static byte[] decode(String value) throws IscsiException {
    try {
      if (value.startsWith("0x") || value.startsWith("0X")) {
        String digits = value.substring(2);
        return HexFormat.of().parseHex(digits.length() % 2 == 0 ? digits : "0" + digits);
      }
      if (value.startsWith("0b") || value.startsWith("0B")) {
        return Base64.getDecoder().decode(value.substring(2));
      }
    } catch (IllegalArgumentException e) {
      throw new IscsiException("not a binary value: " + value, e);
    }
    throw new IscsiException("not a binary value: " + value);
  }
}
