// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Tables on screens of any width. */
final class TextTableTest {
  private final TextTable table = new TextTable("ID", "COMMANDS", "INITIATOR", "TARGET");

  TextTableTest() {
    table.row(1, 123_456_789L, "iqn.1993-08.org.debian:01", "iqn.2026-11.org.example:vm1");
    table.row(22, 5, "x", "(discovery)");
  }

  @Test
  void columnsAreAsWideAsTheyNeed() {
    assertThat(table.text(Integer.MAX_VALUE))
        .isEqualTo(
            """
            ID  COMMANDS   INITIATOR                  TARGET
            1   123456789  iqn.1993-08.org.debian:01  iqn.2026-11.org.example:vm1
            22  5          x                          (discovery)
            """)
        .isEqualTo(table.text(69));
  }

  @Test
  void whatHasNoRoomGoesToALineOfItsOwn() {
    assertThat(table.text(68))
        .isEqualTo(
            """
            ID  COMMANDS   INITIATOR
                TARGET
            1   123456789  iqn.1993-08.org.debian:01
                iqn.2026-11.org.example:vm1
            22  5          x
                (discovery)
            """);
    assertThat(table.text(30).lines()).hasSize(9);
  }
}
