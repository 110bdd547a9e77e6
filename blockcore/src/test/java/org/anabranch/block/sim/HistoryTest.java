// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Random histories.
 *
 * <pre>
 *   mvn -pl blockcore test                       the seeds of seeds.txt and 0 to 999
 *   mvn -pl blockcore test -Dsim.seeds=100000    more
 *   mvn -pl blockcore test -Dsim.seeds=5000 -Dsim.from=1000000   others
 *   mvn -pl blockcore test -Dsim.fresh=3000      also 3,000 from a new one on, which is printed
 *   mvn -pl blockcore test -Dsim.seed=N          one, with everything that it does
 * </pre>
 *
 * A seed that fails goes into seeds.txt with the mend.
 */
@ExtendWith(QuietLog.class)
@Timeout(value = 6, unit = TimeUnit.HOURS) // for those who ask for many
final class HistoryTest {
  private static final Seeds SEEDS = new Seeds("sim");
  private static final long FIRST = SEEDS.from();

  /** Of the first so many seeds enough must come to each that they are worth running. */
  private static final int ENOUGH_SEEDS = 1000;

  private static final Map<Reached, Integer> LEAST =
      Map.ofEntries(
          Map.entry(Reached.OVERFLOW, 20),
          Map.entry(Reached.INVALID, 150),
          Map.entry(Reached.MERGED_BY_HANDOVER, 70),
          Map.entry(Reached.MERGE_BESIDE_TWO, 10),
          Map.entry(Reached.CUT_IN_MERGE, 35),
          Map.entry(Reached.KEPT, 25),
          Map.entry(Reached.CUT_IN_KEEPING_MERGE, 5),
          Map.entry(Reached.CUT_IN_BOOT, 25),
          Map.entry(Reached.FAULT, 80),
          Map.entry(Reached.READ_ONLY, 25),
          Map.entry(Reached.MERGE_FAILED, 4),
          Map.entry(Reached.MERGED_AFTER_FAILURE, 1),
          Map.entry(Reached.COW_FLUSH_FAILED, 30),
          Map.entry(Reached.PASSED_DOWN, 150),
          Map.entry(Reached.SHORTENED, 25),
          Map.entry(Reached.SHORT_SNAPSHOT, 60),
          Map.entry(Reached.MERGE_CANCELLED, 40),
          Map.entry(Reached.EXTENDED, 30),
          Map.entry(Reached.CACHED, 200),
          Map.entry(Reached.RING_FULL, 40),
          Map.entry(Reached.PROCESS_DIED, 200),
          Map.entry(Reached.REPLAYED, 60),
          Map.entry(Reached.CUT_IN_REPLAY, 8));

  @Test
  void everythingReadsAsTheModel() throws IOException {
    Long one = SEEDS.one();
    if (one != null) {
      replay(one);
      return;
    }
    long count = SEEDS.count(ENOUGH_SEEDS);
    LongStream seeds =
        LongStream.concat(
            known().stream().mapToLong(seed -> seed), LongStream.range(FIRST, FIRST + count));
    Map<Reached, Integer> reached = check(seeds);
    System.out.println(count + " histories, of which came to: " + reached);
    if (FIRST == 0 && count >= ENOUGH_SEEDS) {
      LEAST.forEach((what, least) ->
          assertThat(reached.getOrDefault(what, 0))
              .as("histories with %s", what)
              .isGreaterThanOrEqualTo(least));
    }
  }

  /** Seeds that nobody has run: from {@code sim.fresh.from} on, by default another in each run. */
  @Test
  void freshSeedsReadAsTheModel() {
    if (SEEDS.freshCount() > 0) {
      long base = SEEDS.freshFrom();
      System.out.println("came to: " + check(LongStream.range(base, base + SEEDS.freshCount())));
    }
  }

  /** How many histories came to what. */
  private static Map<Reached, Integer> check(LongStream seeds) {
    return Seeds.check(seeds, History::check);
  }

  private static void replay(long seed) {
    Trace trace = new Trace(1_000_000);
    try {
      History.run(seed, trace, Sabotage.NONE);
    } finally {
      System.out.println(trace);
    }
  }

  /** Seeds that found something. */
  private static List<Long> known() throws IOException {
    List<Long> seeds = new ArrayList<>();
    try (InputStream in = HistoryTest.class.getResourceAsStream("/sim/seeds.txt")) {
      String text = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      for (String line : text.split("\n", -1)) {
        String seed = line.replaceAll("#.*", "").trim();
        if (!seed.isEmpty()) {
          seeds.add(Long.valueOf(seed));
        }
      }
    }
    return seeds;
  }

  @Test
  void seedDecidesEverything() {
    for (long seed = 0; seed < 10; seed++) {
      Trace first = new Trace(1);
      Trace second = new Trace(1);
      History.run(seed, first, Sabotage.NONE);
      History.run(seed, second, Sabotage.NONE);
      assertThat(second.checksum()).as("seed %d", seed).isEqualTo(first.checksum());
    }
  }
}
