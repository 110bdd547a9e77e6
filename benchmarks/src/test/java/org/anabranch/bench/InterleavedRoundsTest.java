// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

final class InterleavedRoundsTest {
  private final List<String> order = new ArrayList<>();

  /** One that has these rates, one a turn, and then fails. */
  private InterleavedRounds.Side side(String name, double... rates) {
    ArrayDeque<Double> left = new ArrayDeque<>(DoubleStream.of(rates).boxed().toList());
    return () -> {
      order.add(name);
      Double rate = left.poll();
      if (rate == null) {
        throw new IOException(name + " failed");
      }
      return new Measurement(rate, 4096, 0, 0, 0, 0, null, 1);
    };
  }

  private static String report(List<String> names, InterleavedRounds turns, String... baselines) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new Report(new PrintStream(bytes, true, UTF_8))
        .compared("load", names, turns, List.of(baselines));
    return bytes.toString(UTF_8);
  }

  @Test
  void takesTurnsAndGivesTheMedianOfEachSideAndOfTheRatiosWithinARound() throws Exception {
    InterleavedRounds turns =
        InterleavedRounds.run(3, List.of(side("a", 100, 300, 200), side("b", 50, 300, 50)));
    assertThat(order).containsExactly("a", "b", "a", "b", "a", "b");
    assertThat(turns.median(0).rate()).isEqualTo(200);
    assertThat(turns.median(1).rate()).isEqualTo(50);
    // 2, 1 and 4 in the rounds; the medians' ratio would be 4
    assertThat(turns.ratio(0, 1)).isEqualTo(2);
    assertThat(turns.ratio(1, 0)).isEqualTo(0.5);
  }

  @Test
  void aSideThatFailsTakesNoMoreTurns() throws Exception {
    InterleavedRounds turns =
        InterleavedRounds.run(3, List.of(side("a", 1, 2, 3), side("b", 1), side("c", 2, 4, 6)));
    assertThat(order).containsExactly("a", "b", "c", "a", "b", "c", "a", "c");
    assertThat(turns.failure(0)).isNull();
    assertThat(turns.failure(1)).hasMessage("b failed");
    assertThat(turns.ratio(0, 1)).isZero();
    assertThat(turns.ratio(1, 0)).isZero();
    assertThat(turns.ratio(0, 2)).isEqualTo(0.5);
  }

  @Test
  void theReportComparesEverySideWithEveryBaselineThatDidNotFail() throws Exception {
    InterleavedRounds turns =
        InterleavedRounds.run(1, List.of(side("a", 9), side("b", 10), side("c"), side("d", 20)));
    String text = report(List.of("a", "b", "c", "d"), turns, "b", "c", "d");
    assertThat(text.lines())
        .satisfiesExactly(
            a -> assertThat(a).contains("| a | 9 |", "| 0.90 of b, 0.45 of d |"),
            b -> assertThat(b).contains("| b | 10 |", "| 0.50 of d |").doesNotContain("of b"),
            c -> assertThat(c).contains("| c | failed: c failed |"),
            d -> assertThat(d).contains("| d | 20 |", "| 2.00 of b |"));
  }
}
