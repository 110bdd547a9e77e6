// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.Comparator;
import java.util.List;

/**
 * One error in a configuration file, or one warning about it. Never has a secret in it.
 *
 * @param file the file, or what the text came from
 * @param line from 1; 0 when it belongs to no line
 * @param key the full path of the key, "" for the file as a whole
 * @param found what is there
 * @param allowed what may be there, or in a warning what is better; "" when {@code found} says it
 *     all
 */
public record Problem(String file, int line, String key, String found, String allowed) {
  /** Each once, sorted by file and line. */
  public static List<Problem> inOrder(List<Problem> problems) {
    return problems.stream()
        .distinct()
        .sorted(Comparator.comparing(Problem::file).thenComparingInt(Problem::line))
        .toList();
  }

  @Override
  public String toString() {
    return file
        + (line > 0 ? ":" + line : "")
        + ": "
        + (key.isEmpty() ? "" : key + ": ")
        + found
        + (allowed.isEmpty() ? "" : "; allowed: " + allowed);
  }
}
