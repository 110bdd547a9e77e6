// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.anabranch.block.sim.QuietLog;
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
  private static final int MAX_FAILURES = 3;
  private static final int ENOUGH_SEEDS = 24;

  /** Seeds that failed once; what a seed does may change with the simulator. */
  private static final long[] KNOWN = {};

  @Test
  void everyAnswerIsAsTheModelHasIt() {
    Long one = Long.getLong("iscsi.sim.seed");
    if (one != null) {
      replay(one);
      return;
    }
    long count = Long.getLong("iscsi.sim.seeds", ENOUGH_SEEDS);
    Map<IscsiReached, Integer> reached =
        check(LongStream.concat(LongStream.of(KNOWN), LongStream.range(0, count)));
    System.out.println(count + " iSCSI histories, of which came to: " + new EnumMap<>(reached));
    for (IscsiReached what : IscsiReached.values()) {
      assertThat(reached.getOrDefault(what, 0)).as("histories with %s", what).isGreaterThan(4);
    }
  }

  @Test
  void freshSeedsAreAsTheModelHasThem() {
    long count = Long.getLong("iscsi.sim.fresh", 0);
    if (count > 0) {
      long base =
          Long.getLong("iscsi.sim.fresh.from", ThreadLocalRandom.current().nextLong(1L << 60));
      System.out.println(
          count
              + " fresh iSCSI histories from "
              + base
              + " on came to: "
              + new EnumMap<>(check(LongStream.range(base, base + count))));
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
    Map<IscsiReached, Integer> reached = new ConcurrentHashMap<>();
    Queue<AssertionError> failures = new ConcurrentLinkedQueue<>();
    seeds
        .parallel()
        .forEach(seed -> {
          if (failures.size() < MAX_FAILURES) {
            try {
              IscsiHistory.check(seed).forEach(what -> reached.merge(what, 1, Integer::sum));
            } catch (AssertionError e) {
              failures.add(e);
            }
          }
        });
    AssertionError first = failures.poll();
    if (first != null) {
      failures.forEach(first::addSuppressed);
      throw first;
    }
    return reached;
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
