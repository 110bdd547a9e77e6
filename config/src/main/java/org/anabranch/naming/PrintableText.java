// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

/**
 * Text of strangers, made safe for a log or a terminal: one line, which shows everything that is in
 * it. A peer can send line feeds, escape codes of terminals, marks that turn the direction of
 * writing, and characters without width; each of them could make a line look like another one.
 */
public final class PrintableText {
  private PrintableText() {}

  /**
   * The text with escapes in place of what a reader cannot see, or cannot tell from something else:
   *
   * <pre>
   *   control characters                              Unicode's category Cc
   *   format characters, such as marks of direction   Cf
   *   line and paragraph separators                   Zl, Zp
   *   blanks other than the usual one                 Zs
   *   lone surrogates                                 Cs
   *   characters for private use                      Co
   *   characters that Unicode has not assigned        Cn
   *   fillers and variation selectors, which have no shape of their own
   * </pre>
   *
   * The escapes are {@code \n}, {@code \t}, {@code \r}, and otherwise <code>&#92;u202e</code> as
   * Java writes it. The same text is returned when there is none.
   */
  public static String of(String text) {
    for (int at = 0; at < text.length(); ) {
      int c = text.codePointAt(at);
      if (isUnsafe(c)) {
        return escaped(text, at);
      }
      at += Character.charCount(c);
    }
    return text;
  }

  /** The same, cut after {@code most} characters, with an ellipsis where it is longer. */
  public static String of(String text, int most) {
    return of(text.length() <= most ? text : text.substring(0, most) + "...");
  }

  private static String escaped(String text, int from) {
    StringBuilder escaped = new StringBuilder(text.length() + 16).append(text, 0, from);
    for (int at = from; at < text.length(); ) {
      int c = text.codePointAt(at);
      int end = at + Character.charCount(c);
      if (c == '\n') {
        escaped.append("\\n");
      } else if (c == '\t') {
        escaped.append("\\t");
      } else if (c == '\r') {
        escaped.append("\\r");
      } else if (isUnsafe(c)) {
        for (int i = at; i < end; i++) {
          escaped.append("\\u").append(String.format("%04x", (int) text.charAt(i)));
        }
      } else {
        escaped.appendCodePoint(c);
      }
      at = end;
    }
    return escaped.toString();
  }

  private static boolean isUnsafe(int c) {
    if (c >= ' ' && c < 0x7f) {
      return false;
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SPACE_SEPARATOR,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED ->
          true;
      default -> isInvisible(c);
    };
  }

  /** What Unicode calls default ignorable, and the blank of braille, in categories of letters. */
  private static boolean isInvisible(int c) {
    return switch (c) {
      case 0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0 -> true;
      default ->
          (c >= 0x180b && c <= 0x180f)
              || (c >= 0xfe00 && c <= 0xfe0f)
              || (c >= 0xe0100 && c <= 0xe01ef);
    };
  }
}
