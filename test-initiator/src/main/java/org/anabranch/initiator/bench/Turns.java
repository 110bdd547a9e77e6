// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Runs in turns, A B C A B C ..., so that whatever else the machine does meets all alike. What
 * counts is the median of the ratios within a round, and the median of each side's figures.
 */
final class Turns {
  /** Something that can be measured again and again. */
  interface Side {
    Measurement run() throws IOException, InterruptedException;
  }

  private final List<List<Measurement>> rounds = new ArrayList<>();
  private final int sides;

  private Turns(int sides) {
    this.sides = sides;
  }

  static Turns run(int rounds, List<Side> sides) throws IOException, InterruptedException {
    Turns turns = new Turns(sides.size());
    for (int round = 0; round < rounds; round++) {
      List<Measurement> row = new ArrayList<>();
      for (Side side : sides) {
        row.add(side.run());
      }
      turns.rounds.add(row);
    }
    return turns;
  }

  int sides() {
    return sides;
  }

  /** Of one side, the run with the median rate. */
  Measurement median(int side) {
    List<Measurement> runs = new ArrayList<>(rounds.stream().map(row -> row.get(side)).toList());
    runs.sort(Comparator.comparingDouble(Measurement::rate));
    return runs.get(runs.size() / 2);
  }

  /** The median over the rounds of the first side's rate to another's. */
  double ratio(int side) {
    double[] ratios =
        rounds.stream()
            .mapToDouble(row -> row.get(0).rate() / row.get(side).rate())
            .sorted()
            .toArray();
    return ratios[ratios.length / 2];
  }
}
