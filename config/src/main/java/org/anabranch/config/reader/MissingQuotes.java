// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Guesses that a syntax error comes from a name that wants quotes. HOCON reads the dots and colons
 * of an iSCSI name, and the @ of a snapshot, as its own signs.
 */
final class MissingQuotes {
  private static final Pattern TARGET =
      Pattern.compile("(?i)(?<![\"\\w.:-])(iqn|eui|naa)\\.[^\\s\"{}=,\\[\\]]*+");
  private static final Pattern SNAPSHOT =
      Pattern.compile("(?<![\"\\w@.+-])[A-Za-z0-9][\\w.+-]{0,63}+@[A-Za-z0-9][\\w.+-]{0,63}+");

  private MissingQuotes() {}

  /**
   * A remedy that says more than the parser's message, or "".
   *
   * @param line the line that the parser names, from 1; it is sometimes the line after
   */
  static String hint(String text, int line) {
    String[] lines = text.split("\n", -1);
    for (int number : new int[] {line, line - 1}) {
      if (number < 1 || number > lines.length) {
        continue;
      }
      String content = lines[number - 1].replaceFirst("(#|//).*", "");
      Matcher target = TARGET.matcher(content);
      if (target.find()) {
        return "put the name in quotes: \"" + target.group() + '"';
      }
      Matcher snapshot = SNAPSHOT.matcher(content);
      if (snapshot.find()) {
        return "put the snapshot in quotes: \"" + snapshot.group() + '"';
      }
    }
    return "";
  }
}
