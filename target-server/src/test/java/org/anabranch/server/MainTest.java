// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** What the command line answers before any subcommand runs. */
final class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final CommandLine anabranch =
      Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));

  @Test
  void versionIsThePomsVersion() {
    assertThat(anabranch.execute("--version")).isZero();
    assertThat(out.toString()).matches("anabranch \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\\R");
  }

  @Test
  void helpGoesToStandardOutput() {
    assertThat(anabranch.execute("--help")).isZero();
    assertThat(out.toString()).contains("Usage: anabranch");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void noCommandIsAUsageError() {
    assertThat(anabranch.execute()).isEqualTo(2);
    assertThat(err.toString()).contains("a command is missing").contains("Usage: anabranch");
  }

  @Test
  void unknownCommandIsAUsageErrorThatNamesIt() {
    assertThat(anabranch.execute("srve")).isEqualTo(2);
    assertThat(err.toString()).contains("srve");
  }

  @Test
  void helpFitsTheTerminal() {
    for (int columns : new int[] {60, 80, 200}) {
      StringWriter help = new StringWriter();
      Main.fitting(Main.commandLine("reload"), Integer.toString(columns))
          .setOut(new PrintWriter(help))
          .execute("reload", "--help");
      int longest = help.toString().lines().mapToInt(String::length).max().orElseThrow();
      assertThat(longest).isBetween(columns == 200 ? 100 : 50, columns);
    }
  }
}
