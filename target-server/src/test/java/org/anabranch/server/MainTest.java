// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
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

  /** What is wrong stands first, and is not followed by a page of help. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "snapshot create vm2",
        "snapshot",
        "snapshot bogus",
        "bogus",
        "reload extra",
        "volume limit vm1 --iops lots",
        "lun add t x vm1",
        "lun add t 99999999999 vm1",
        "status --bogus"
      })
  void aUsageErrorIsShort(String line) {
    assertThat(anabranch.execute(line.split(" ", -1))).isEqualTo(2);
    assertThat(err.toString().lines().toList())
        .hasSizeLessThan(10)
        .first(InstanceOfAssertFactories.STRING)
        .startsWith("anabranch: ")
        .doesNotContain(" is not a long", " is not an int");
    assertThat(err.toString()).contains("Try 'anabranch ", " --help'.");
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
