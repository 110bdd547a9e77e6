// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.testing;

import java.util.Map;
import java.util.TreeMap;
import org.anabranch.block.count.Counter;
import org.anabranch.block.count.Counts;
import org.anabranch.block.count.Latency;
import org.anabranch.block.count.LatencyDistribution;

/** What was counted, for tests: by layer and key, and the number of durations of each latency. */
public final class Counted {
  private Counted() {}

  /** All of it, such as {@code unit reads} and {@code unit read latency}. */
  public static Map<String, Long> all(Counts counts) {
    Map<String, Long> all = new TreeMap<>();
    counts.read(
        new Counts.Visitor() {
          @Override
          public void counter(Counter counter, long value) {
            all.put(counter.layer() + " " + counter.key(), value);
          }

          @Override
          public void latency(Latency latency, LatencyDistribution distribution) {
            all.put(latency.layer() + " " + latency.key() + " latency", distribution.count());
          }
        });
    return all;
  }

  /** What is above zero. */
  public static Map<String, Long> moved(Counts counts) {
    Map<String, Long> moved = all(counts);
    moved.values().removeIf(value -> value == 0);
    return moved;
  }
}
