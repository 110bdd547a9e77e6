// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.count;

import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * What one thing counts: the enums of its layers. A layer takes its part once and keeps it, since
 * the look-up costs more than the counting. What is replaced meanwhile (a table, a merge) finds the
 * same numbers again. Any thread.
 */
public final class Counts {
  private final ConcurrentMap<String, Counters<?>> counters = new ConcurrentSkipListMap<>();
  private final ConcurrentMap<String, Latencies<?>> latencies = new ConcurrentSkipListMap<>();

  /** The counters of an enum; all 0 at first. */
  @SuppressWarnings("unchecked") // a name has one class
  public <E extends Enum<E> & Counter> Counters<E> counters(Class<E> type) {
    return (Counters<E>) counters.computeIfAbsent(type.getName(), name -> new Counters<>(type));
  }

  /** The latencies of an enum; all empty at first. */
  @SuppressWarnings("unchecked") // a name has one class
  public <E extends Enum<E> & Latency> Latencies<E> latencies(Class<E> type) {
    return (Latencies<E>) latencies.computeIfAbsent(type.getName(), name -> new Latencies<>(type));
  }

  /** Receives what was counted. */
  public interface Visitor {
    /** A counter's value. */
    void counter(Counter counter, long value);

    /** A latency's distribution. */
    void latency(Latency latency, LatencyDistribution distribution);
  }

  /** Passes everything to {@code visitor}: counters, then latencies, each enum in its order. */
  public void read(Visitor visitor) {
    counters.values().forEach(each -> read(each, visitor));
    latencies.values().forEach(each -> read(each, visitor));
  }

  private static <E extends Enum<E> & Counter> void read(Counters<E> counters, Visitor visitor) {
    counters.all().forEach(counter -> visitor.counter(counter, counters.get(counter)));
  }

  private static <E extends Enum<E> & Latency> void read(Latencies<E> latencies, Visitor visitor) {
    latencies.all().forEach(latency -> visitor.latency(latency, latencies.read(latency)));
  }
}
