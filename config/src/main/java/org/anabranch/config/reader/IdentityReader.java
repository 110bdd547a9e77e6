// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.util.Locale;

/** The formats of a disk's identity: serial, naa, t10, vendor, product, revision. */
final class IdentityReader {
  static final ValueFormat<String> SERIAL =
      ValueFormat.of(
          "1 to 64 printable ASCII characters without blanks",
          text -> text.matches("[!-~]{1,64}") ? text : null);

  static final ValueFormat<String> NAA =
      ValueFormat.of(
          "32 hexadecimal digits that begin with 6, or 16 that begin with 2, 3 or 5",
          text -> {
            String digits = text.toLowerCase(Locale.ROOT);
            return digits.matches("[235][0-9a-f]{15}|6[0-9a-f]{31}") ? digits : null;
          });

  /** SPC-4 7.8.6.4: a vendor of eight characters, and what tells its disks apart. */
  static final ValueFormat<String> T10 =
      ValueFormat.of(
          "1 to 244 printable ASCII characters, of which the first 8 are the vendor",
          text -> text.matches("[ -~]{1,244}") ? text : null);

  /** Up to {@code max} printable ASCII characters. */
  static ValueFormat<String> text(int max) {
    return ValueFormat.of(
        "1 to " + max + " printable ASCII characters",
        text -> text.matches("[ -~]{1," + max + "}") ? text : null);
  }

  private IdentityReader() {}
}
