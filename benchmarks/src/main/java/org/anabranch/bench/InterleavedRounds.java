// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs several sides in turn, A B C A B C ..., so that other activity of the machine affects all of
 * them alike. The result is the median of the ratios within a round, and the median of each side's
 * values.
 */
final class InterleavedRounds {
  /** Something that can be measured repeatedly. */
  interface Side {
    Measurement run() throws IOException, InterruptedException;
  }

  /** By side, then by round. */
  private final List<List<Measurement>> rounds = new ArrayList<>();

  /** By side: why it is no longer measured. */
  private final @Nullable IOException[] failures;

  private InterleavedRounds(int sides) {
    failures = new IOException[sides];
    for (int side = 0; side < sides; side++) {
      rounds.add(new ArrayList<>());
    }
  }

  /** A side that fails is not measured again; the others continue. */
  static InterleavedRounds run(int rounds, List<Side> sides) throws InterruptedException {
    InterleavedRounds turns = new InterleavedRounds(sides.size());
    for (int round = 0; round < rounds; round++) {
      for (int side = 0; side < sides.size(); side++) {
        if (turns.failures[side] == null) {
          try {
            turns.rounds.get(side).add(sides.get(side).run());
          } catch (IOException e) {
            turns.failures[side] = e;
          }
        }
      }
    }
    return turns;
  }

  int sides() {
    return failures.length;
  }

  /** Why a side could not be measured; null if it was. */
  @Nullable IOException failure(int side) {
    return failures[side];
  }

  /** The run with the median rate of a side that did not fail. */
  Measurement median(int side) {
    List<Measurement> runs = new ArrayList<>(rounds.get(side));
    runs.sort(Comparator.comparingDouble(Measurement::rate));
    return runs.get(runs.size() / 2);
  }

  /** The median over the rounds of the ratio of two sides' rates; 0 if one of them failed. */
  double ratio(int side, int baseline) {
    if (failures[side] != null || failures[baseline] != null) {
      return 0;
    }
    double[] ratios = new double[rounds.get(side).size()];
    for (int round = 0; round < ratios.length; round++) {
      ratios[round] = rounds.get(side).get(round).rate() / rounds.get(baseline).get(round).rate();
    }
    Arrays.sort(ratios);
    return ratios[ratios.length / 2];
  }
}
