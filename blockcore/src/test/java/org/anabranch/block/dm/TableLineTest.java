// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TableLineTest {
  @Test
  void readsLinesWithCommentsAndQuotes() throws TableException {
    List<TableLine> lines =
        TableLine.parse("# vm1\n  0 160  linear /srv/my\\ disk 0 \n\n160 8\terror\r\n168 8 zero");

    assertThat(lines)
        .containsExactly(
            new TableLine(2, 0, 160, "linear", List.of("/srv/my disk", "0")),
            new TableLine(4, 160, 8, "error", List.of()),
            new TableLine(5, 168, 8, "zero", List.of()));
  }

  @Test
  void quotesWhatItReads() throws TableException {
    String odd = "/srv/a b\\c\td";

    List<TableLine> lines = TableLine.parse("0 1 linear " + TableLine.quote(odd) + " 0");

    assertThat(lines.getFirst().arguments()).containsExactly(odd, "0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | Empty table",
        "'# nothing' | Empty table",
        "x 8 zero | line 1, column 1: Invalid format: start sector is a number, not 'x'",
        "0 | line 1, column 2: Invalid format: length sector is a number, not ''",
        "0 -8 zero | line 1, column 3: Invalid format: length sector is a number, not '-8'",
        "0 8 | line 1, column 4: Invalid format: no target type",
        "0 0 zero | line 1, column 3: zero-length target",
        "8 8 zero | line 1, column 1: Gap in table: starts at 8 instead of 0",
        "0 18014398509481984 zero"
            + "| line 1, column 3: Target too long: ends beyond sector 18014398509481983",
        "0 99999999999999999999 zero"
            + "| line 1, column 3: Invalid format: length sector too large: 99999999999999999999",
      })
  void refusesWithThePlace(String text, String reason) {
    assertThatThrownBy(() -> TableLine.parse(text))
        .isInstanceOf(TableException.class)
        .hasMessage(reason);
  }

  @Test
  void namesTheLineOfAGap() {
    assertThatThrownBy(() -> TableLine.parse("0 8 zero\n\n 9 8 zero"))
        .hasMessage("line 3, column 2: Gap in table: starts at 9 instead of 8");
  }

  @Test
  void boundsLinesAndText() throws TableException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < TableLine.MAX_LINES; i++) {
      text.append(i).append(" 1 zero\n");
    }
    assertThat(TableLine.parse(text.toString())).hasSize(TableLine.MAX_LINES);

    assertThatThrownBy(() -> TableLine.parse(text + "" + TableLine.MAX_LINES + " 1 zero"))
        .hasMessage("Table too long: more than 10000 lines");
    assertThatThrownBy(() -> TableLine.parse(" ".repeat(TableLine.MAX_TEXT + 1)))
        .hasMessage("Table too long: 1048577 characters, at most 1048576");
  }
}
