// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.fail;

import java.util.List;
import java.util.regex.Pattern;

/** What a page shows a command to print, beside what it prints. */
final class PageOutput {
  private static final String ANYTHING = "...";
  private static final Pattern TIME =
      Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z");

  private PageOutput() {}

  /**
   * Fails unless they are the same, but for times and for how columns are spaced.
   *
   * @param shown {@code ...} stands for anything in a line, and alone for any number of lines
   */
  static void compare(String command, List<String> shown, List<String> printed) {
    StringBuilder pattern = new StringBuilder();
    for (String line : shown) {
      if (line.strip().equals(ANYTHING)) {
        pattern.append("(?:.*\n)*?");
        continue;
      }
      String[] fixed = plain(line).split(Pattern.quote(ANYTHING), -1);
      for (int i = 0; i < fixed.length; i++) {
        pattern.append(i == 0 ? "" : ".*").append(Pattern.quote(fixed[i]));
      }
      pattern.append('\n');
    }
    StringBuilder found = new StringBuilder();
    printed.forEach(line -> found.append(plain(line)).append('\n'));
    if (!found.toString().matches(pattern.toString())) {
      fail(
          "%s%nprinted:%n%s%nthe page shows:%n%s",
          command, String.join("\n", printed), String.join("\n", shown));
    }
  }

  private static String plain(String line) {
    return TIME.matcher(line).replaceAll("TIME").replaceAll("\\s+", " ").strip();
  }
}
