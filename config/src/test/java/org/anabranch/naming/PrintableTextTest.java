// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

final class PrintableTextTest {
  private static final Pattern ESCAPE = Pattern.compile("\\\\[ntr]|(\\\\u[0-9a-f]{4}){1,2}");

  /** Letters and marks without a shape. */
  private static final Pattern INVISIBLE =
      Pattern.compile(
          "[\\x{34f}\\x{115f}\\x{1160}\\x{17b4}\\x{17b5}\\x{180b}-\\x{180f}\\x{2800}\\x{3164}"
              + "\\x{fe00}-\\x{fe0f}\\x{ffa0}\\x{e0100}-\\x{e01ef}]");

  @Test
  void whatIsSafeStaysAsItIs() {
    String text = "Größe \\ \"x\" ☃ 😀 日本";
    assertThat(PrintableText.of(text)).isSameAs(text);
  }

  @Test
  void everyUnsafeCharacterOfUnicodeIsEscaped() {
    List<String> wrong = new ArrayList<>();
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      int type = Character.getType(c);
      boolean unsafe =
          type == Character.CONTROL
              || type == Character.FORMAT
              || type == Character.LINE_SEPARATOR
              || type == Character.PARAGRAPH_SEPARATOR
              || (type == Character.SPACE_SEPARATOR && c != ' ')
              || type == Character.SURROGATE
              || type == Character.PRIVATE_USE
              || type == Character.UNASSIGNED
              || INVISIBLE.matcher(Character.toString(c)).matches();
      String printed = PrintableText.of(Character.toString(c));
      if (unsafe ? !ESCAPE.matcher(printed).matches() : !printed.equals(Character.toString(c))) {
        wrong.add(String.format("U+%04X is %s", c, printed));
      }
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void escapesAreThoseOfJava() {
    assertThat(PrintableText.of("a\u202eb\u200bc\nd\te\rf\u001b[31m\u0085\u2028\u2029\ufeff"))
        .isEqualTo("a\\u202eb\\u200bc\\nd\\te\\rf\\u001b[31m\\u0085\\u2028\\u2029\\ufeff");
    assertThat(PrintableText.of("x" + Character.toString(0xE0001))).isEqualTo("x\\udb40\\udc01");
    assertThat(PrintableText.of("private \ue000, filler \u3164, no blank\u00a0"))
        .isEqualTo("private \\ue000, filler \\u3164, no blank\\u00a0");
    assertThat(PrintableText.of("lone \ud800")).isEqualTo("lone \\ud800");
  }

  @Test
  void aLongTextIsCut() {
    assertThat(PrintableText.of("abcdef", 6)).isEqualTo("abcdef");
    assertThat(PrintableText.of("abcdefg", 6)).isEqualTo("abcdef...");
  }
}
