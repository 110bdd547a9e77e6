// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Patterns of initiators' names, in the configuration and at login alike. */
final class InitiatorPatternTest {
  @ParameterizedTest
  @CsvSource({
    "*, anything at all, true",
    "**, anything at all, true",
    "iqn.1993-08.org.debian:*, iqn.1993-08.org.debian:01:abc, true",
    "iqn.1993-08.org.debian:*, iqn.1993-08.org.DEBIAN:01:ABC, true",
    "IQN.1993-08.org.Debian:*, iqn.1993-08.org.debian:01:abc, true",
    "iqn.1993-08.org.debian:*, iqn.1993-08.org.debianx:01, false",
    "iqn.*:host*, iqn.2026-11.org.example:host7, true",
    "iqn.*:host*, iqn.2026-11.org.example:gost7, false",
    "iqn.2026-11.org.example:a, iqn.2026-11.org.example:a, true",
    "iqn.2026-11.org.example:a, iqn.2026-11.org.example:ab, false",
    "iqn.2026-11.org.example:a.c, iqn.2026-11.org.example:abc, false",
    "*:my_vm, iqn.2008-11.org.linux-kvm:my_vm, true",
    "iqn.2008-11.org.linux-kvm:my vm, iqn.2008-11.org.linux-kvm:My VM, true",
    "iqn.2026-11.org.example:z\u00fc*, iqn.2026-11.org.example:zu\u0308rich, true",
    "a?c, abc, false",
    "a?c, a?c, true",
    "a*a, a, false",
    "a*a, aa, true",
    "ab*ba, aba, false",
    "a*b*c, axbxc, true",
    "a*b*c, acb, false",
    "*b*, abc, true",
    "*bb*bb*, abbb, false",
  })
  void matches(String pattern, String name, boolean matches) {
    assertThat(new InitiatorPattern(pattern).matches(new IscsiName(name))).isEqualTo(matches);
  }

  /** Against the JDK's regular expressions, for short texts of few letters. */
  @Test
  void matchesAsARegularExpressionDoes() {
    Random random = new Random(7);
    for (int i = 0; i < 200_000; i++) {
      String pattern = random(random, "ab*", 1 + random.nextInt(7));
      String name = random(random, "ab", 1 + random.nextInt(8));
      boolean expected = Pattern.matches(pattern.replace("*", ".*"), name);
      assertThat(new InitiatorPattern(pattern).matches(new IscsiName(name)))
          .as("%s on %s", pattern, name)
          .isEqualTo(expected);
    }
  }

  private static String random(Random random, String letters, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append(letters.charAt(random.nextInt(letters.length())));
    }
    return text.toString();
  }

  /** A regular expression would try more ways than there are atoms. */
  @Test
  void manyStarsCostNoMoreThanTheNameIsLong() {
    InitiatorPattern pattern = new InitiatorPattern("a*".repeat(100) + "b");
    assertThat(pattern.matches(new IscsiName("a".repeat(223)))).isFalse();
    assertThat(pattern.matches(new IscsiName("a".repeat(222) + "b"))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a,b*", "a\n*", "a\u2028"})
  void textsThatAreNoPatterns(String pattern) {
    assertThat(InitiatorPattern.flaw(pattern)).isNotNull();
    assertThatThrownBy(() -> new InitiatorPattern(pattern))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "iqn.1993-08.org.debian:*, true",
    "*, true",
    "*:vm1, true",
    "i*, true",
    "iqn.2008-11.org.linux-kvm:my_vm, false",
    "iqn.2008-11.org.linux-kvm:my_*, false",
    "debian*, false",
    "iqn, false",
    "iqn.2026-13.org.example:x, false",
  })
  void deviations(String pattern, boolean standard) {
    assertThat(new InitiatorPattern(pattern).deviation() == null).isEqualTo(standard);
  }

  @ParameterizedTest
  @CsvSource({
    "*, true",
    "**, true",
    "iqn.*, true",
    "*iqn*, true",
    "i*, true",
    "*.*:*, true",
    "eui.*, true",
    "iqn.1993-08.org.debian:*, false",
    "*:vm1, false",
    "iqn., false",
  })
  void patternsThatKeepNobodyOut(String pattern, boolean anybody) {
    assertThat(new InitiatorPattern(pattern).matchesAnybody()).isEqualTo(anybody);
  }
}
