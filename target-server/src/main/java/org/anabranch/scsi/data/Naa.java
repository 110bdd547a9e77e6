// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.data;

import java.util.HexFormat;
import java.util.Locale;

/**
 * A NAA designator (SPC-4 7.8.6.6), the name by which Linux and others know a disk (WWID).
 *
 * @param digits hexadecimal, lower case: 16 that begin with 2, 3 or 5, or 32 that begin with 6
 */
public record Naa(String digits) {
  public Naa {
    digits = digits.toLowerCase(Locale.ROOT);
    if (!digits.matches("[235][0-9a-f]{15}|6[0-9a-f]{31}")) {
      throw new IllegalArgumentException("not a NAA designator: " + digits);
    }
  }

  /** 8 or 16 bytes. */
  public byte[] bytes() {
    return HexFormat.of().parseHex(digits);
  }

  @Override
  public String toString() {
    return digits;
  }
}
