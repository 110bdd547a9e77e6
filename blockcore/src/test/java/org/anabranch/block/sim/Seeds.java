// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongFunction;
import java.util.stream.LongStream;

/**
 * Which seeds a simulator runs, and what they came to. Of a simulator {@code sim}:
 *
 * <pre>
 *   -Dsim.seed=N          one, with everything that it does
 *   -Dsim.seeds=N         so many, from -Dsim.from=M on, by default from 0 on
 *   -Dsim.fresh=N         also so many that nobody has run, or from -Dsim.fresh.from=M on
 * </pre>
 *
 * @param name begins the properties, such as {@code iscsi.sim}
 */
public record Seeds(String name) {
  private static final int MAX_FAILURES = 3;

  /** The only one to run, or null. */
  public Long one() {
    return Long.getLong(name + ".seed");
  }

  /** The first one of those that each build runs. */
  public long from() {
    return Long.getLong(name + ".from", 0);
  }

  /** How many each build runs, unless it is said otherwise. */
  public long count(long usual) {
    return Long.getLong(name + ".seeds", usual);
  }

  /** How many fresh ones are asked for. */
  public long freshCount() {
    return Long.getLong(name + ".fresh", 0);
  }

  /** Where fresh ones begin: another place in each run; printed, so that they can be run again. */
  public long freshFrom() {
    long from = Long.getLong(name + ".fresh.from", ThreadLocalRandom.current().nextLong(1L << 60));
    System.out.printf(
        "%d fresh histories: -D%s.seeds=%1$d -D%2$s.from=%d%n", freshCount(), name, from);
    return from;
  }

  /**
   * Runs histories side by side, until some have failed.
   *
   * @param run one history; what it came to
   * @return how many came to what
   * @throws AssertionError of the first that failed; of the others as suppressed ones
   */
  public static <R extends Enum<R>> Map<R, Integer> check(
      LongStream seeds, LongFunction<Set<R>> run) {
    Map<R, Integer> reached = new ConcurrentHashMap<>();
    Queue<AssertionError> failures = new ConcurrentLinkedQueue<>();
    seeds
        .parallel()
        .forEach(seed -> {
          if (failures.size() < MAX_FAILURES) {
            try {
              run.apply(seed).forEach(what -> reached.merge(what, 1, Integer::sum));
            } catch (AssertionError e) {
              failures.add(e);
            }
          }
        });
    List<AssertionError> all = new ArrayList<>(failures);
    if (!all.isEmpty()) {
      AssertionError first = all.removeFirst();
      all.forEach(first::addSuppressed);
      throw first;
    }
    return new TreeMap<>(reached);
  }

  /** A history in which something is wrong on purpose. */
  @FunctionalInterface
  public interface Wrong {
    /** Runs it with a seed. */
    void run(long seed) throws Exception;
  }

  /**
   * Runs seeds from 0 on until one is caught; prints which one, and as what.
   *
   * @param what is wrong
   * @throws AssertionError when none of so many is caught
   */
  public static void mustBeCaught(String what, int maxSeeds, Wrong history) throws Exception {
    for (long seed = 0; seed < maxSeeds; seed++) {
      try {
        history.run(seed);
      } catch (AssertionError | IllegalStateException caught) {
        String message = String.valueOf(caught.getMessage()).lines().findFirst().orElse("");
        System.out.println("caught with seed " + seed + ": " + what + ": " + message);
        return;
      }
    }
    throw new AssertionError(maxSeeds + " seeds did not catch " + what);
  }
}
