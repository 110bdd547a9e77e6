// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys that HOCON would override without a word, and names that want quotes. */
final class RepeatedKeysTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          anabranch { volumes { v { path = /x }, ~ v { path = /y } } } | 2: anabranch.volumes.v: given twice, the first time in line 1
          anabranch { state-dir = /a ~ # c ~ state-dir = /b }          | 3: anabranch.state-dir: given twice, the first time in line 1
          anabranch { state-dir = /a } ~ anabranch.state-dir = /b      | 2: anabranch.state-dir: given twice, the first time in line 1
          anabranch { limits { sessions = 1 } ~ limits { sessions = 2 } } | 2: anabranch.limits.sessions: given twice
          anabranch { portals = ["127.0.0.1:1"] ~ portals = ["127.0.0.1:2"] } | 2: anabranch.portals: given twice
          { "anabranch": { "state-dir": "/a", ~ "state-dir": "/b" } }  | 2: anabranch.state-dir: given twice
          anabranch { state-dir = \"\"\"/a ~ } \"\"\" ~ "state-dir" = /b }  | 3: anabranch.state-dir: given twice, the first time in line 1
          """)
  void whatWouldBeLostIsReported(String text, String expected) {
    assertThat(Texts.problem(text.replace('~', '\n'))).startsWith("test.conf:" + expected);
  }

  @Test
  void aLunTwice() {
    assertThat(
            Texts.problem(
                """
                anabranch {
                  volumes { vm1 { path = /x }, vm2 { path = /y } }
                  targets { "iqn.2026-11.org.example:t" { luns { 0 = vm1
                    0 = vm2 } } }
                }
                """))
        .isEqualTo(
            "test.conf:4: anabranch.targets.\"iqn.2026-11.org.example:t\".luns.0: given twice, the"
                + " first time in line 3; allowed: each once");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "anabranch { limits { sessions = 9 } ~ limits { connections = 2000 } }",
        "anabranch { limits { sessions = 9 } } ~ anabranch { iscsi { login-timeout = 5 s } }",
        "anabranch { state-dir = /a ~ state-dir = ${?NO_SUCH_VARIABLE} }",
        "anabranch { portals = [\"127.0.0.1:1\"] ~ portals += \"127.0.0.1:2\" }",
        "anabranch.volumes.v.path = /x ~ anabranch.volumes.v.size = 1 MiB",
        "anabranch { portals = [{ listen = \"127.0.0.1:1\" }, { listen = \"127.0.0.1:2\" }] }",
        "anabranch { # state-dir = /a ~ state-dir = \"/state-dir = {\" // state-dir = /c ~ }",
        "anabranch { state-dir = \"a\\\"} state-dir = b\" }"
      })
  void whatHoconMeansToBeSaidTwiceIsAllowed(String text) throws Exception {
    assertThat(Texts.parse(text.replace('~', '\n'))).isNotNull();
  }

  @Test
  void namesThatWantQuotesAreSaidSo() {
    assertThat(
            Texts.problem(
                """
                anabranch { volumes { vm1 { path = /x } }
                  targets {
                    iqn.2026-11.org.example:vm1 {
                      luns { 0 = vm1 }
                    }
                  }
                }
                """))
        .contains("put the name in quotes: \"iqn.2026-11.org.example:vm1\"");
    assertThat(
            Texts.problem(
                """
                anabranch { volumes { vm1 { path = /x } }
                  targets { "iqn.2026-11.org.example:t" { luns { 0 = vm1, 1 = vm1@before-upgrade } } } }
                """))
        .contains("put the snapshot in quotes: \"vm1@before-upgrade\"");
    assertThat(
            Texts.problem(
                """
                anabranch { volumes { vm1 { path = /x } }
                  targets { "iqn.2026-11.org.example:t" { luns { 0 = vm1 }
                    initiators = [iqn.1993-08.org.debian:*] } } }
                """))
        .contains("put the name in quotes: \"iqn.1993-08.org.debian:*\"");
  }
}
