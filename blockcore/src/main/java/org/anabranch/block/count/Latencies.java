// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.count;

import java.util.List;

/**
 * A histogram for each constant of an enum. Any thread.
 *
 * @param <E> the layer's enum
 */
@SuppressWarnings("EnumOrdinal") // an array by ordinal is what makes counting cheap
public final class Latencies<E extends Enum<E> & Latency> {
  private final List<E> all;
  private final LatencyHistogram[] histograms;

  /** All empty. */
  public Latencies(Class<E> type) {
    all = List.of(type.getEnumConstants());
    histograms = new LatencyHistogram[all.size()];
    for (int i = 0; i < histograms.length; i++) {
      histograms[i] = new LatencyHistogram();
    }
  }

  /** Counts a duration. */
  public void record(E latency, long nanos) {
    histograms[latency.ordinal()].record(nanos);
  }

  /** What was recorded up to about now. */
  public LatencyDistribution read(E latency) {
    return histograms[latency.ordinal()].read();
  }

  /** The constants, in their order. */
  public List<E> all() {
    return all;
  }
}
