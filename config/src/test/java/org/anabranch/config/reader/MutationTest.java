// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.Problem;
import org.junit.jupiter.api.Test;

/**
 * A good file with a few random changes is either good or refused with reasons: nothing else comes
 * out. Replay a failure with {@code -Dconfig.seed=N}.
 */
final class MutationTest {
  private static final int RUNS = 4000;
  private static final String[] WORDS = {
    "{",
    "}",
    "[",
    "]",
    "=",
    ":",
    ",",
    "\"",
    "\"\"\"",
    "#",
    "\n",
    "${",
    "${?X}",
    "+=",
    "include ",
    "null",
    "-1",
    "0",
    "99999999999999999999",
    "1e400",
    "\\u0000",
    "\u0000",
    "\ud83d",
    "*",
    ".",
    "anabranch",
    "vm1",
    "@",
    " KiB",
    "true"
  };

  @Test
  void mutantsAreGoodOrRefusedWithReasons() {
    Long fixed = Long.getLong("config.seed");
    int refused = 0;
    for (long seed = fixed == null ? 0 : fixed; seed < (fixed == null ? RUNS : fixed + 1); seed++) {
      String text = mutant(new Random(seed));
      try {
        Texts.parse(text);
      } catch (InvalidConfigurationException e) {
        refused++;
        assertThat(e.problems()).as("seed %d", seed).isNotEmpty();
        for (Problem problem : e.problems()) {
          assertThat(problem.toString().lines()).as("seed %d", seed).hasSize(1);
        }
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed + ":\n" + text, e);
      }
    }
    if (fixed == null) {
      assertThat(refused).isBetween(RUNS / 2, RUNS - 1);
    }
  }

  private static String mutant(Random random) {
    StringBuilder text = new StringBuilder(Texts.GOOD);
    for (int i = random.nextInt(3); i >= 0; i--) {
      int at = random.nextInt(text.length());
      switch (random.nextInt(5)) {
        case 0 -> text.deleteCharAt(at);
        case 1 -> text.insert(at, WORDS[random.nextInt(WORDS.length)]);
        case 2 -> text.setCharAt(at, (char) random.nextInt(0x80));
        case 3 -> text.delete(at, Math.min(text.length(), at + 1 + random.nextInt(40)));
        default -> {
          int from = random.nextInt(text.length());
          text.insert(at, text.substring(from, Math.min(text.length(), from + random.nextInt(60))));
        }
      }
    }
    return text.toString();
  }
}
