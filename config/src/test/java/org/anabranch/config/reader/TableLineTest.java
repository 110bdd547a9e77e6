// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.anabranch.config.TableLine;
import org.junit.jupiter.api.Test;

/** A row of a table: its words and their quoting. */
final class TableLineTest {
  @Test
  void aBackslashTakesTheNextCharacterAsItIs() {
    TableLine row = TableLine.parse("  0 8\tlinear /a\\ b/c\\\\d 0 ");

    assertThat(row).isEqualTo(new TableLine(0, 8, "linear", List.of("/a b/c\\d", "0")));
    assertThat(row).hasToString("0 8 linear /a\\ b/c\\\\d 0");
    assertThat(TableLine.parse(String.valueOf(row))).isEqualTo(row);
  }

  @Test
  void whatIsNoRowIsNone() {
    for (String text :
        List.of("", "0 8", "x 8 zero", "0 0 zero", "-1 8 zero", "0 8 8", "0 8\\ zero")) {
      assertThat(TableLine.parse(text)).as(text).isNull();
    }
  }
}
