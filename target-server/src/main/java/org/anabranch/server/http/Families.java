// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.http;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.anabranch.block.count.LatencyDistribution;

/**
 * Collects points into families by their names, as the exposition format wants them. One thread.
 */
final class Families {
  /** Upper bounds of histogram buckets in nanoseconds, as powers of two: 8 microseconds to 17 s. */
  private static final int FIRST_BOUND = 13;

  private static final int LAST_BOUND = 34;

  private final Map<String, CounterSnapshot.Builder> counters = new TreeMap<>();
  private final Map<String, GaugeSnapshot.Builder> gauges = new TreeMap<>();
  private final Map<String, HistogramSnapshot.Builder> histograms = new TreeMap<>();

  /** {@code name} without {@code _total}. */
  void counter(String name, String help, Labels labels, double value) {
    counters
        .computeIfAbsent(name, key -> CounterSnapshot.builder().name(key).help(help))
        .dataPoint(CounterDataPointSnapshot.builder().value(value).labels(labels).build());
  }

  /** A whole number; from 2^53 on it is rounded, as Prometheus has nothing else. */
  void counter(String name, String help, Labels labels, long value) {
    counter(name, help, labels, (double) value);
  }

  /** A whole number; from 2^53 on it is rounded, as Prometheus has nothing else. */
  void gauge(String name, String help, Labels labels, long value) {
    gauge(name, help, labels, (double) value);
  }

  void gauge(String name, String help, Labels labels, double value) {
    gauges
        .computeIfAbsent(name, key -> GaugeSnapshot.builder().name(key).help(help))
        .dataPoint(GaugeDataPointSnapshot.builder().value(value).labels(labels).build());
  }

  /** {@code name} ends with {@code _seconds}. */
  void histogram(String name, String help, Labels labels, LatencyDistribution durations) {
    List<Double> bounds = new ArrayList<>();
    List<Long> counts = new ArrayList<>();
    long below = 0;
    for (int bound = FIRST_BOUND; bound <= LAST_BOUND; bound++) {
      long shorter = durations.shorterThan(1L << bound);
      bounds.add((1L << bound) / 1e9);
      counts.add(shorter - below);
      below = shorter;
    }
    bounds.add(Double.POSITIVE_INFINITY);
    counts.add(durations.count() - below);
    histograms
        .computeIfAbsent(name, key -> HistogramSnapshot.builder().name(key).help(help))
        .dataPoint(
            HistogramDataPointSnapshot.builder()
                .classicHistogramBuckets(ClassicHistogramBuckets.of(bounds, counts))
                .sum(durations.sumNanos() / 1e9)
                .labels(labels)
                .build());
  }

  MetricSnapshots snapshots() {
    MetricSnapshots.Builder all = MetricSnapshots.builder();
    counters.values().forEach(each -> all.metricSnapshot(each.build()));
    gauges.values().forEach(each -> all.metricSnapshot(each.build()));
    histograms.values().forEach(each -> all.metricSnapshot(each.build()));
    return all.build();
  }
}
