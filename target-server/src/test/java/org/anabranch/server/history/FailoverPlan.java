// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * Which fault comes next and in the middle of what, and how often each fault has hit each. A fault
 * that comes before its moment or after it is a miss. One thread.
 */
final class FailoverPlan {
  /** Misses for each hit that was asked for. */
  private static final int MOST_MISSES = 4;

  /** What happens to the active server. */
  enum Fault {
    STOP,
    KILL,
    TAKE_OVER
  }

  /** What is under way then, beside reads and writes. */
  enum Moment {
    /** Nothing. */
    WRITES,
    /** Writes to a volume with a new snapshot, which copy chunks to their stores first. */
    FIRST_WRITES,
    CREATE,
    MERGE,
    REMOVE
  }

  /** A fault, and its moment. */
  record Strike(Fault fault, Moment moment) {}

  private static final List<Moment> CHANGES =
      List.of(Moment.FIRST_WRITES, Moment.CREATE, Moment.MERGE, Moment.REMOVE);

  private final List<Moment> moments;
  private final int times;
  private final boolean isEach;
  private final SplittableRandom random;
  private final Map<Moment, Map<Fault, Integer>> hits = new EnumMap<>(Moment.class);
  private final Map<Moment, Integer> misses = new EnumMap<>(Moment.class);
  private int strikes;

  private FailoverPlan(List<Moment> moments, int times, boolean isEach, SplittableRandom random) {
    this.moments = moments;
    this.times = times;
    this.isEach = isEach;
    this.random = random;
  }

  /**
   * A plan by its name on the command line: {@code writes} and {@code changes} are so many faults,
   * the second of them at moments of any kind; {@code each} goes on until each kind of change was
   * hit so often, by all faults in turn.
   */
  static FailoverPlan of(String name, int times, SplittableRandom random) {
    return switch (name) {
      case "writes" -> new FailoverPlan(List.of(Moment.WRITES), times, false, random);
      case "changes" -> new FailoverPlan(List.of(Moment.values()), times, false, random);
      case "each" -> new FailoverPlan(CHANGES, times, true, random);
      default -> throw new IllegalArgumentException("no plan " + name);
    };
  }

  /** Whether volumes have snapshots. */
  boolean isChanging() {
    return moments.size() > 1;
  }

  /** How often something failed so far. */
  int strikes() {
    return strikes;
  }

  boolean isOver() {
    return isEach ? moments.stream().allMatch(each -> hits(each) >= times) : strikes >= times;
  }

  /** What comes next. */
  Strike next() {
    List<Moment> wanted =
        isEach ? moments.stream().filter(each -> hits(each) < times).toList() : moments;
    Moment moment = wanted.get(random.nextInt(wanted.size()));
    if (!isEach) {
      return new Strike(Fault.values()[random.nextInt(Fault.values().length)], moment);
    }
    Function<Fault, Integer> count =
        fault -> hits.getOrDefault(moment, Map.of()).getOrDefault(fault, 0);
    Fault rarest = Arrays.stream(Fault.values()).min(Comparator.comparing(count)).orElseThrow();
    return new Strike(rarest, moment);
  }

  /**
   * It has happened.
   *
   * @param hit whether what was meant was under way
   */
  void struck(Strike strike, boolean hit) {
    strikes++;
    if (hit) {
      hits.computeIfAbsent(strike.moment(), each -> new EnumMap<>(Fault.class))
          .merge(strike.fault(), 1, Integer::sum);
    } else if (misses.merge(strike.moment(), 1, Integer::sum) > MOST_MISSES * times) {
      throw new AssertionError("faults come too early or too late: " + table());
    }
  }

  private int hits(Moment moment) {
    return hits.getOrDefault(moment, Map.of()).values().stream().mapToInt(each -> each).sum();
  }

  static String words(Enum<?> name) {
    return name.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** How often each fault has hit each moment. */
  String table() {
    StringBuilder text = new StringBuilder(String.format("  %-16s", "in the middle of"));
    for (Fault fault : Fault.values()) {
      text.append(String.format("%11s", words(fault)));
    }
    text.append(String.format("%11s%11s%n", "all", "missed"));
    for (Moment moment : moments) {
      text.append(String.format("  %-16s", words(moment)));
      for (Fault fault : Fault.values()) {
        text.append(
            String.format("%11d", hits.getOrDefault(moment, Map.of()).getOrDefault(fault, 0)));
      }
      text.append(String.format("%11d%11d%n", hits(moment), misses.getOrDefault(moment, 0)));
    }
    return text.toString();
  }
}
