// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/** Hashes for CHAP, with the numbers that IANA has given them ("PPP Authentication Algorithms"). */
public enum ChapDigest {
  MD5("5", "MD5"),
  SHA1("6", "SHA-1"),
  SHA256("7", "SHA-256"),
  SHA3_256("8", "SHA3-256");

  private final String number;
  private final String algorithm;

  ChapDigest(String number, String algorithm) {
    this.number = number;
    this.algorithm = algorithm;
  }

  /** What CHAP_A calls it. */
  String number() {
    return number;
  }

  /** Null for a number that is none of ours; CHAP_A has plain decimals. */
  static @Nullable ChapDigest numbered(String number) {
    for (ChapDigest digest : values()) {
      if (digest.number.equals(number)) {
        return digest;
      }
    }
    return null;
  }

  MessageDigest instance() {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("the JDK has no " + algorithm, e);
    }
  }
}
