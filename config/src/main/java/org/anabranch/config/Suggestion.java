// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;

/** Guesses what a mistyped word was meant to be. */
public final class Suggestion {
  private Suggestion() {}

  /**
   * {@code "; did you mean X?"} for the nearest of the words, or "" when none is near.
   *
   * @param word what was found
   * @param words what there is
   */
  public static String didYouMean(String word, Collection<String> words) {
    String lower = word.toLowerCase(Locale.ROOT);
    return words.stream()
        .filter(w -> distance(lower, w.toLowerCase(Locale.ROOT)) <= Math.max(1, w.length() / 3))
        .min(
            Comparator.comparingInt((String w) -> distance(lower, w.toLowerCase(Locale.ROOT)))
                .thenComparing(w -> w))
        .map(w -> "; did you mean " + w + "?")
        .orElse("");
  }

  /** Edits (insert, delete, change, swap of neighbours) that lead from one word to the other. */
  private static int distance(String a, String b) {
    if (Math.abs(a.length() - b.length()) > b.length()) {
      return Integer.MAX_VALUE; // far apart: spare the work for long keys
    }
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        boolean same = a.charAt(i - 1) == b.charAt(j - 1);
        d[i][j] =
            Math.min(Math.min(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (same ? 0 : 1));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
