// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.bench;

import java.util.Arrays;
import java.util.Locale;

/** Two ways to do the same, in turns: ABAB... The figure is the median of the rounds' ratios. */
final class Comparison {
  /** Does it once, prepared before; the seconds it took. */
  interface Way {
    double seconds() throws Exception;
  }

  private Comparison() {}

  /**
   * Prints each round, and "A is R times as fast as B".
   *
   * @param work how much one round does, in {@code unit}
   */
  static void run(
      String title, int rounds, double work, String unit, String a, Way wayA, String b, Way wayB)
      throws Exception {
    System.out.println(title);
    double[] timesA = new double[rounds];
    double[] timesB = new double[rounds];
    double[] ratios = new double[rounds];
    wayA.seconds(); // warms up code and page cache; not counted
    wayB.seconds();
    for (int i = 0; i < rounds; i++) {
      timesA[i] = wayA.seconds();
      timesB[i] = wayB.seconds();
      ratios[i] = timesB[i] / timesA[i];
      System.out.printf(
          Locale.ROOT,
          "  round %d   %s %.3f s   %s %.3f s   ratio %.2f%n",
          i + 1,
          a,
          timesA[i],
          b,
          timesB[i],
          ratios[i]);
    }
    double secondsA = median(timesA);
    double secondsB = median(timesB);
    System.out.printf(
        Locale.ROOT,
        "  median    %s %.3f s = %.0f %s/s   %s %.3f s = %.0f %s/s   ratio %.2f%n",
        a,
        secondsA,
        work / secondsA,
        unit,
        b,
        secondsB,
        work / secondsB,
        unit,
        median(ratios));
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  }
}
