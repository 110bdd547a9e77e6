// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

import java.text.Normalizer;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The stringprep profile for iSCSI names (RFC 3722, RFC 3454), by the JDK's tables of Unicode.
 *
 * <pre>
 *   map         drop what is commonly mapped to nothing (B.1), fold case (B.2)
 *   normalise   form KC
 *   prohibit    C.2 to C.9: {@link #forbidden}; the ASCII characters of RFC 3722 6.2 and U+3002:
 *               {@link #discouraged}, since they are met in the field
 * </pre>
 *
 * The rules for text from right to left (RFC 3454 6) are left out: they would refuse names, and
 * prevent no mistake of ours.
 */
final class Stringprep {
  /** Two rounds suffice for every character of today's Unicode; the test tries them all. */
  private static final int ROUNDS = 4;

  private static final int DOTLESS_I = 0x131;
  private static final int DOTTED_CAPITAL_I = 0x130;

  private Stringprep() {}

  /** The prepared form; preparing it again changes nothing. */
  static String prepare(String text) {
    String before = text;
    for (int round = 0; round < ROUNDS; round++) {
      if (isPreparedAscii(before)) {
        return before;
      }
      String after = Normalizer.normalize(fold(before), Normalizer.Form.NFKC);
      if (after.equals(before)) {
        return after;
      }
      before = after;
    }
    return before;
  }

  private static boolean isPreparedAscii(String text) {
    return text.chars().allMatch(c -> c < 0x80 && !(c >= 'A' && c <= 'Z'));
  }

  private static String fold(String text) {
    StringBuilder folded = new StringBuilder(text.length() + 8);
    text.codePoints()
        .forEach(c -> {
          if (c == DOTLESS_I || isMappedToNothing(c)) {
            folded.append(c == DOTLESS_I ? "\u0131" : "");
          } else if (c == DOTTED_CAPITAL_I) {
            folded.append("i\u0307");
          } else {
            // To capitals first, which takes letters such as sharp s apart; then one by one, since
            // the JDK gives a sigma at the end of a word another form.
            Character.toString(c)
                .toUpperCase(Locale.ROOT)
                .codePoints()
                .map(Character::toLowerCase)
                .forEach(folded::appendCodePoint);
          }
        });
    return folded.toString();
  }

  /** RFC 3454 table B.1. */
  private static boolean isMappedToNothing(int c) {
    return switch (c) {
      case 0xad, 0x34f, 0x1806, 0x180b, 0x180c, 0x180d, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff ->
          true;
      default -> c >= 0xfe00 && c <= 0xfe0f;
    };
  }

  /**
   * What a prepared name must not have: characters that cannot be printed, or would spoil a log
   * line (RFC 3454 C.2 to C.9), bytes that were no UTF-8, and the comma.
   */
  static @Nullable String forbidden(String name) {
    return name.codePoints()
        .filter(Stringprep::isForbidden)
        .mapToObj(c ->
            c == ','
                ? "it has a comma"
                : c == 0xfffd
                    ? "it has bytes that are not UTF-8"
                    : String.format("it has the unprintable character U+%04X", c))
        .findFirst()
        .orElse(null);
  }

  private static boolean isForbidden(int c) {
    if (c == ',' || c == 0xfffc || c == 0xfffd || (c >= 0x2ff0 && c <= 0x2ffb)) {
      return true;
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.PRIVATE_USE,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          true;
      default -> false;
    };
  }

  /** A printable character that RFC 3722 6.2 prohibits; null if there is none. */
  static @Nullable String discouraged(String name) {
    return name.codePoints()
        .filter(Stringprep::isDiscouraged)
        .mapToObj(c ->
            (c == ' ' ? "it has a blank" : "it has '" + Character.toString(c) + "'")
                + ", which RFC 3722 does not allow")
        .findFirst()
        .orElse(null);
  }

  private static boolean isDiscouraged(int c) {
    if (c < 0x80) {
      return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || "-.:".indexOf(c) >= 0);
    }
    return c == 0x3002 || Character.getType(c) == Character.SPACE_SEPARATOR;
  }
}
