// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A bracket without a partner is named, with its line, and not the end of the file. */
final class BracketTest {
  @Test
  void oneThatIsNotClosed() {
    assertThat(Texts.problem("anabranch { volumes {\nv { path = /x }\n}\n"))
        .isEqualTo("test.conf:1: the { in this line is not closed: a } is missing");
    assertThat(
            Texts.problem(
                "anabranch {\nportals = [\"127.0.0.1:1\"\nvolumes { v { path = /x } } }\n"))
        .isEqualTo("test.conf:2: the [ in this line is not closed: a ] is missing");
  }

  @Test
  void oneThatClosesNothing() {
    assertThat(Texts.problem("anabranch { # {{{\nvolumes { v { path = \"/{\" } } // [\n }\n } # {"))
        .isEqualTo("test.conf:4: the } in this line closes nothing: remove it, or add a {");
  }

  @Test
  void bracketsInStringsAreText() throws Exception {
    assertThat(Texts.problem("anabranch { limitz = \"\"\"}]\n}\"\"\" \n x = \"\\\"}\""))
        .isEqualTo("test.conf:1: the { in this line is not closed: a } is missing");
  }
}
