// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.count;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class CountsTest {
  private enum Fruit implements Counter {
    APPLES,
    PEAR_BYTES;

    @Override
    public String words() {
      return "Fruit of kind " + name();
    }

    @Override
    public String layer() {
      return "fruit";
    }
  }

  private enum Wait implements Latency {
    RIPENING;

    @Override
    public String words() {
      return "Time to ripen";
    }

    @Override
    public String layer() {
      return "fruit";
    }
  }

  private static List<String> read(Counts counts) {
    List<String> lines = new ArrayList<>();
    counts.read(
        new Counts.Visitor() {
          @Override
          public void counter(Counter counter, long value) {
            lines.add(counter.layer() + " " + counter.key() + " " + value);
          }

          @Override
          public void latency(Latency latency, LatencyDistribution distribution) {
            lines.add(latency.layer() + " " + latency.key() + " " + distribution.count());
          }
        });
    return lines;
  }

  @Test
  void everyConstantIsRead() {
    Counts counts = new Counts();
    assertThat(read(counts)).isEmpty();
    counts.counters(Fruit.class).increment(Fruit.APPLES);
    counts.counters(Fruit.class).add(Fruit.PEAR_BYTES, 4096);
    counts.latencies(Wait.class).record(Wait.RIPENING, 5);
    assertThat(read(counts))
        .containsExactly("fruit apples 1", "fruit pear-bytes 4096", "fruit ripening 1");
  }

  @Test
  void anEnumHasOneSetOfCounters() {
    Counts counts = new Counts();
    assertThat(counts.counters(Fruit.class)).isSameAs(counts.counters(Fruit.class));
    assertThat(counts.latencies(Wait.class)).isSameAs(counts.latencies(Wait.class));
  }

  @Test
  void threadsLoseNoCount() throws InterruptedException {
    Counters<Fruit> counters = new Counters<>(Fruit.class);
    LatencyHistogram histogram = new LatencyHistogram();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int n = 0; n < 100_000; n++) {
                  counters.increment(Fruit.APPLES);
                  histogram.record(n);
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(counters.get(Fruit.APPLES)).isEqualTo(400_000);
    assertThat(histogram.read().count()).isEqualTo(400_000);
  }
}
