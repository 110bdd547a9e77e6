// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class LatencyHistogramTest {
  @Test
  void percentilesAreCloseToTheSortedOnes() {
    SplittableRandom random = new SplittableRandom(1);
    LatencyHistogram histogram = new LatencyHistogram();
    long[] values = new long[100_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = (long) Math.exp(random.nextDouble() * 30);
      histogram.record(values[i]);
    }
    Arrays.sort(values);
    for (double percentile : new double[] {1, 50, 90, 99, 99.9}) {
      long exact = values[(int) Math.ceil(values.length * percentile / 100) - 1];
      assertThat(histogram.percentile(percentile)).isCloseTo(exact, withPercentage(3.2));
    }
    assertThat(histogram.percentile(100)).isEqualTo(values[values.length - 1]);
    assertThat(histogram.mean())
        .isCloseTo(Arrays.stream(values).average().orElseThrow(), withPercentage(0.1));
  }

  @Test
  void takesAnything() {
    LatencyHistogram histogram = new LatencyHistogram();
    assertThat(histogram.percentile(50)).isZero();
    for (long value : new long[] {-1, 0, 1, 31, 32, 33, 63, 64, Long.MAX_VALUE}) {
      histogram.record(value);
    }
    LatencyHistogram sum = new LatencyHistogram();
    sum.add(histogram);
    sum.add(histogram);
    assertThat(sum.count()).isEqualTo(18);
    assertThat(sum.max()).isEqualTo(Long.MAX_VALUE);
    assertThat(sum.percentile(100)).isEqualTo(Long.MAX_VALUE);
  }
}
