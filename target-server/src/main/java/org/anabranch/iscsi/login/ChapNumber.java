// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.util.Base64;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Large binary values in text: {@code 0x} and hexadecimal, or {@code 0b} and Base64 (RFC 7143 6.1).
 */
final class ChapNumber {
  /** The longest challenge (12.1.3): 1024 bytes. */
  static final int LONGEST = 1024;

  private ChapNumber() {}

  static String hex(byte[] value) {
    return "0x" + HexFormat.of().formatHex(value);
  }

  /** Null if it is not of either form, empty, or longer than {@link #LONGEST}. */
  static byte @Nullable [] parse(String text) {
    if (text.length() < 3 || text.length() > 2 + 2 * LONGEST || text.charAt(0) != '0') {
      return null;
    }
    try {
      String digits = text.substring(2);
      byte[] value =
          switch (text.charAt(1)) {
            case 'x', 'X' ->
                HexFormat.of().parseHex(digits.length() % 2 == 0 ? digits : "0" + digits);
            case 'b', 'B' -> Base64.getDecoder().decode(digits);
            default -> new byte[0];
          };
      return value.length == 0 || value.length > LONGEST ? null : value;
    } catch (IllegalArgumentException e) {
      return null; // without a reason: the value may be a response computed from a secret
    }
  }
}
