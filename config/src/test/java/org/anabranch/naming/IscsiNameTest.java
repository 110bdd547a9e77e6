// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.text.Normalizer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of RFC 7143 4.2.7, and those that are met beside them. */
final class IscsiNameTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "iqn.2026-11.org.example:vm1",
        "iqn.2026-11.org.example",
        "IQN.2026-11.ORG.Example:VM1",
        "iqn.1991-05.com.microsoft:win-1.corp.example",
        "iqn.2026-11.org.example:",
        "iqn.2026-11.org.b\u00fccher:gr\u00f6\u00dfe",
        "iqn.2026-11.org.example:\u65e5\u672c",
        "eui.02004567a425678d",
        "EUI.02004567A425678D",
        "naa.52004567ba64678d",
        "naa.62004567ba64678d0123456789abcdef"
      })
  void standardNames(String name) {
    assertThat(new IscsiName(name).deviation()).isNull();
    assertThat(new IscsiName(name).isStandard()).isTrue();
  }

  /** What is met in the field works, and is said to differ. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          iqn.2008-11.org.linux-kvm:my_vm       | it has '_', which RFC 3722 does not allow
          iqn.2008-11.org.linux-kvm:my vm       | it has a blank, which RFC 3722 does not allow
          iqn.2026-11.org.example:a/b           | it has '/', which RFC 3722 does not allow
          iqn.2026-11.org.example:a?b*c         | it has '?', which RFC 3722 does not allow
          iqn.2016-01-com.example.tg1           | iqn. is followed by YYYY-MM.reversed.domain
          ru.oracle-dba:disk1                   | its type is not iqn., eui. or naa.
          client1                               | its type is not iqn., eui. or naa.
          iqn.                                  | iqn. is followed by YYYY-MM
          iqn.2026-13.org.example               | iqn. is followed by YYYY-MM
          iqn.2026-00.org.example               | iqn. is followed by YYYY-MM
          iqn.2026-11.                          | iqn. is followed by YYYY-MM
          iqn.26-11.org.example                 | iqn. is followed by YYYY-MM
          iqn.2026-11..example                  | iqn. is followed by YYYY-MM
          eui.02004567A425678                   | eui. is followed by 16 hexadecimal digits
          eui.02004567A425678DD                 | eui. is followed by 16 hexadecimal digits
          naa.52004567BA64678                   | naa. is followed by 16 or 32 hexadecimal digits
          """)
  void otherNames(String name, String deviation) {
    assertThat(IscsiName.flaw(name)).isNull();
    assertThat(new IscsiName(name).deviation()).startsWith(deviation);
  }

  @ParameterizedTest
  @CsvSource({
    "'', it is empty",
    "'iqn.2026-11.org.example:a,b', it has a comma",
    "'iqn.2026-11.org.example:a\nb', it has the unprintable character U+000A",
    "'iqn.2026-11.org.example:a\tb', it has the unprintable character U+0009",
    "'iqn.2026-11.org.example:a\u0085b', it has the unprintable character U+0085",
    "'iqn.2026-11.org.example:a\u2028b', it has the unprintable character U+2028",
    "'iqn.2026-11.org.example:a\u202eb', it has the unprintable character U+202E",
    "'iqn.2026-11.org.example:a\ue000b', it has the unprintable character U+E000",
    "'iqn.2026-11.org.example:a\ufffdb', it has bytes that are not UTF-8",
  })
  void textsThatAreNoNames(String name, String flaw) {
    assertThat(IscsiName.flaw(name)).isEqualTo(flaw);
    assertThatThrownBy(() -> new IscsiName(name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(flaw);
  }

  @Test
  void namesHave223BytesAtMost() {
    String name = "iqn.2026-11.org.example:";
    assertThat(IscsiName.flaw(name + "x".repeat(223 - name.length()))).isNull();
    assertThat(IscsiName.flaw(name + "x".repeat(224 - name.length())))
        .isEqualTo("it has 224 bytes, and 223 are allowed");
    assertThat(IscsiName.flaw(name + "\u00e9".repeat((224 - name.length()) / 2)))
        .isEqualTo("it has 224 bytes, and 223 are allowed");
  }

  /** RFC 3722 6: mapping, folding, normalisation form KC. */
  @ParameterizedTest
  @CsvSource({
    "iqn.2026-11.org.example:z\u00fcrich, iqn.2026-11.org.example:zu\u0308rich",
    "iqn.2026-11.org.example:Z\u00dcRICH, iqn.2026-11.org.example:zu\u0308rich",
    "iqn.2026-11.org.example:gr\u00f6\u00dfe, iqn.2026-11.org.example:GR\u00d6SSE",
    "iqn.2026-11.org.example:\u03bf\u03b4\u03bf\u03c2, iqn.2026-11.org.example:\u039f\u0394\u039f\u03a3",
    "iqn.2026-11.org.example:\uff21\uff11, iqn.2026-11.org.example:a1",
    "iqn.2026-11.org.example:so\u00adft, iqn.2026-11.org.example:soft",
    "iqn.2026-11.org.example:a\u200db, iqn.2026-11.org.example:ab",
    "iqn.2026-11.org.example:\ufb01n, iqn.2026-11.org.example:FIN",
    "'iqn.2026-11.org.example:a\u00a0b', 'iqn.2026-11.org.example:a b'",
  })
  void spellingsOfOneName(String one, String other) {
    assertThat(new IscsiName(one)).isEqualTo(new IscsiName(other));
  }

  @Test
  void aDotlessIIsAnotherLetter() {
    assertThat(IscsiName.normalise("\u0131")).isEqualTo("\u0131");
    assertThat(IscsiName.normalise("\u0130")).isEqualTo("i\u0307");
  }

  /** Preparing twice changes nothing, or a name that is reported could not be given back. */
  @Test
  void everyCharacterIsPreparedInOneGo() {
    IntStream.rangeClosed(0, Character.MAX_CODE_POINT)
        .parallel()
        .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)
        .forEach(c -> {
          isPreparedInOneGo(Character.toString(c));
          isPreparedInOneGo("a" + Character.toString(c) + "\u0308");
        });
  }

  private static void isPreparedInOneGo(String text) {
    String once = IscsiName.normalise(text);
    if (!IscsiName.normalise(once).equals(once)
        || !Normalizer.isNormalized(once, Normalizer.Form.NFKC)) {
      throw new AssertionError(
          text.codePoints().mapToObj(c -> String.format("U+%04X", c)).toList().toString());
    }
  }
}
