// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines that move must not wrap, or what is above them is never cleared. */
final class BarTest {
  private static final String WORDS = "48 MiB of 112 MiB, 40 MiB/s, 1.6 s left";

  private final StringWriter out = new StringWriter();

  private Screen screen(int columns) {
    return new Screen(new PrintWriter(out), true, true, columns);
  }

  @ParameterizedTest
  @ValueSource(ints = {20, 62, 63, 70, 80, 132})
  void aMovingLineLeavesTheLastColumnFree(int columns) {
    Screen screen = screen(columns);
    Bar bar = new Bar(screen, "  " + screen.bold("roll back  "));
    for (int percent = 0; percent <= 100; percent += 10) {
      screen.temporary(bar.at(percent / 100.0, WORDS + (percent == 50 ? ", paused" : "")));
    }
    assertThat(out.toString().replaceAll("\u001b\\[[0-9;]*[mK]", "").split("\r", -1))
        .hasSize(12)
        .allMatch(line -> line.length() < columns);
  }

  @Test
  void theBarIsAsLongAsThereIsRoomForAndNeverGrows() {
    Screen screen = screen(80); // of blocks or of ASCII, as the locale has it
    Bar bar = new Bar(screen, "");
    assertThat(cells(screen, bar.at(0.5, WORDS))).isEqualTo(30);
    assertThat(cells(screen, bar.at(0.5, WORDS + ", and more"))).isEqualTo(22);
    assertThat(cells(screen, bar.at(0.5, WORDS))).isEqualTo(22);
    assertThat(bar.at(0.5, ""))
        .contains(screen.full().repeat(11) + "\u001b")
        .contains(screen.empty().repeat(11));
  }

  private static long cells(Screen screen, String line) {
    String bar = line.substring(0, line.indexOf(" %"));
    return bar.chars().filter(c -> (screen.full() + screen.empty()).indexOf(c) >= 0).count();
  }

  @Test
  void elsewhereThereIsNoBar() {
    Screen file = new Screen(new PrintWriter(out), false, false, Integer.MAX_VALUE);
    assertThat(new Bar(file, "verify ").at(0.359, "1 MiB")).isEqualTo("verify  35 %  1 MiB");
  }
}
