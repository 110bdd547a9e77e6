// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The help of every command, found by walking them all, and where usage errors send the user. */
final class HelpTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... words) {
    return Main.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(words);
  }

  /** Every command, its parents' names in front; those that only have subcommands included. */
  static List<String> commands() {
    List<String> found = new ArrayList<>();
    walk("", Main.commandLine(), found);
    return found;
  }

  private static void walk(String prefix, CommandLine command, List<String> found) {
    command
        .getSubcommands()
        .forEach((name, sub) -> {
          found.add(prefix + name);
          walk(prefix + name + " ", sub, found);
        });
  }

  @Test
  void allAreWalked() {
    assertThat(commands()).contains("serve", "snapshot list", "dm wait", "cow check");
  }

  @ParameterizedTest
  @MethodSource("commands")
  void eachHasHelpInWholeSentences(String command) {
    List<String> words = new ArrayList<>(List.of(command.split(" ", -1)));
    CommandLine line = Main.commandLine();
    for (String word : words) {
      line = Objects.requireNonNull(line.getSubcommands().get(word), command);
    }
    boolean leaf = line.getSubcommands().isEmpty();
    assertThat(line.getCommandSpec().usageMessage().description()[0])
        .as("what its parent's help shows of it")
        .endsWith(".");
    if (leaf) {
      assertThat(line.getCommandSpec().usageMessage().description())
          .as("each line fits, or is a paragraph of its own")
          .allMatch(text -> text.length() <= 80 || text.endsWith("."));
    }
    words.add("--help");
    assertThat(run(words.toArray(String[]::new))).isZero();
    assertThat(err.toString()).isEmpty();
    assertThat(out.toString()).startsWith("Usage: anabranch ");
    if (leaf) {
      assertThat(out.toString()).contains("Example").contains("  anabranch " + words.getFirst());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "snapshot create vm1|VOLUME@NAME",
        "snapshot create vm1@a --writable --read-only|not both",
        "snapshot create vm1@a --size much|not a size",
        "snapshot merge vm1@a --cancel --now|--cancel",
        "snapshot export vm1@a f --changed --since vm1@b|not both",
        "volume resize vm1 much|not a size",
        "volume limit vm1|no limit is given",
        "volume limit vm1 some|neither none nor configured",
        "volume limit vm1 --burst long|not a time",
        "dm create d t --table x|not both",
        "session drop x|x",
        "dm wait vm1 x|x"
      })
  void aUsageErrorShowsTheHelpOfTheCommandThatWasGiven(String text) {
    String words = text.substring(0, text.indexOf('|'));
    assertThat(run(words.split(" ", -1))).isEqualTo(2);
    String[] name = words.split(" ", -1);
    assertThat(err.toString())
        .contains(text.substring(text.indexOf('|') + 1))
        .contains("Usage: anabranch " + name[0] + " " + name[1] + " ");
  }
}
