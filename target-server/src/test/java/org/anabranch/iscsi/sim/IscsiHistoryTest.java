// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.anabranch.block.sim.QuietLog;
import org.anabranch.block.sim.Seeds;
import org.anabranch.block.sim.Trace;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Random histories of the iSCSI server.
 *
 * <pre>
 *   -Discsi.sim.seeds=100000   more than the first ones
 *   -Discsi.sim.fresh=3000     also 3,000 from a new one on, or from iscsi.sim.fresh.from on
 *   -Discsi.sim.seed=N         one, with everything that it does
 * </pre>
 *
 * A seed that fails goes into {@link #KNOWN} with the mend.
 */
@ExtendWith(QuietLog.class)
@Timeout(value = 6, unit = TimeUnit.HOURS) // for those who ask for many
final class IscsiHistoryTest {
  private static final Seeds SEEDS = new Seeds("iscsi.sim");
  private static final int ENOUGH_SEEDS = 24;

  /** Seeds that failed once; what a seed does may change with the simulator. */
  private static final long[] KNOWN = {};

  @Test
  void everyAnswerIsAsTheModelHasIt() {
    Long one = SEEDS.one();
    if (one != null) {
      replay(one);
      return;
    }
    long count = SEEDS.count(ENOUGH_SEEDS);
    Map<IscsiReached, Integer> reached =
        check(
            LongStream.concat(
                LongStream.of(KNOWN), LongStream.range(SEEDS.from(), SEEDS.from() + count)));
    System.out.println(count + " iSCSI histories, of which came to: " + reached);
    if (SEEDS.from() != 0 || count < ENOUGH_SEEDS) {
      return;
    }
    for (IscsiReached what : IscsiReached.values()) {
      assertThat(reached.getOrDefault(what, 0)).as("histories with %s", what).isGreaterThan(4);
    }
  }

  @Test
  void freshSeedsAreAsTheModelHasThem() {
    if (SEEDS.freshCount() > 0) {
      long base = SEEDS.freshFrom();
      System.out.println("came to: " + check(LongStream.range(base, base + SEEDS.freshCount())));
    }
  }

  @Test
  void seedDecidesEverything() {
    for (long seed = 0; seed < 2; seed++) {
      Trace first = new Trace(1);
      Trace second = new Trace(1);
      IscsiHistory.run(seed, first, IscsiSabotage.NONE);
      IscsiHistory.run(seed, second, IscsiSabotage.NONE);
      assertThat(second.checksum()).as("seed %d", seed).isEqualTo(first.checksum());
    }
  }

  private static Map<IscsiReached, Integer> check(LongStream seeds) {
    return Seeds.check(seeds, IscsiHistory::check);
  }

  private static void replay(long seed) {
    Trace trace = new Trace(1_000_000);
    try {
      IscsiHistory.run(seed, trace, IscsiSabotage.NONE);
    } finally {
      System.out.println(trace);
    }
  }
}
