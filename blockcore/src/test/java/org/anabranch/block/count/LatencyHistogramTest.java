// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.count;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LatencyHistogramTest {
  @Test
  void bucketsFollowEachOtherWithoutGap() {
    for (int i = 1; i < LatencyHistogram.BUCKETS; i++) {
      long from = LatencyHistogram.from(i);
      assertThat(LatencyHistogram.bucket(from)).as("%d ns", from).isEqualTo(i);
      assertThat(LatencyHistogram.bucket(from - 1)).as("%d ns", from - 1).isEqualTo(i - 1);
      assertThat(from).isGreaterThan(LatencyHistogram.from(i - 1));
    }
    assertThat(LatencyHistogram.bucket(Long.MIN_VALUE)).isZero();
    assertThat(LatencyHistogram.bucket(0)).isZero();
    assertThat(LatencyHistogram.bucket(Long.MAX_VALUE)).isEqualTo(LatencyHistogram.BUCKETS - 1);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.01, 0.5, 0.9, 0.99, 0.999, 1})
  void quantilesAreNearTheExactOnes(double part) {
    Random random = new Random(42);
    long[] all =
        LongStream.generate(() -> (long) Math.exp(8 + 2 * random.nextGaussian()))
            .limit(100_000)
            .map(nanos -> nanos + 2000)
            .toArray();
    LatencyHistogram histogram = new LatencyHistogram();
    for (long nanos : all) {
      histogram.record(nanos);
    }
    long[] sorted = LongStream.of(all).sorted().toArray();
    long exact = sorted[(int) Math.ceil(part * all.length) - 1];
    assertThat((double) histogram.read().quantileNanos(part)).isBetween(exact * 0.79, exact * 1.26);
    assertThat(histogram.read().sumNanos()).isEqualTo(LongStream.of(all).sum());
  }

  @Test
  void nothingRecorded() {
    assertThat(LatencyDistribution.EMPTY.quantileNanos(0.99)).isZero();
    assertThat(LatencyDistribution.EMPTY.meanNanos()).isZero();
  }

  @Test
  void anIntervalIsTheDifferenceOfTwoReadings() {
    LatencyHistogram histogram = new LatencyHistogram();
    histogram.record(10_000_000);
    LatencyDistribution before = histogram.read();
    histogram.record(2000);
    histogram.record(2000);
    LatencyDistribution interval = histogram.read().since(before);
    assertThat(interval.count()).isEqualTo(2);
    assertThat(interval.sumNanos()).isEqualTo(4000);
    assertThat(interval.quantileNanos(1)).isLessThan(3000);
    assertThat(interval.plus(before).count()).isEqualTo(3);
  }

  @Test
  void cumulativeCountsAreExactAtPowersOfTwo() {
    LatencyHistogram histogram = new LatencyHistogram();
    for (long nanos : new long[] {5, 1023, 1024, 2047, 2048, 1L << 40}) {
      histogram.record(nanos);
    }
    LatencyDistribution read = histogram.read();
    assertThat(read.shorterThan(1024)).isEqualTo(2);
    assertThat(read.shorterThan(2048)).isEqualTo(4);
    assertThat(read.shorterThan(4096)).isEqualTo(5);
    assertThatThrownBy(() -> read.shorterThan(1500)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void bucketsCanBeSentAndPutTogetherAgain() {
    LatencyHistogram histogram = new LatencyHistogram();
    for (long nanos = 1; nanos < 1L << 39; nanos *= 3) {
      histogram.record(nanos);
    }
    LatencyDistribution read = histogram.read();
    Map<Long, Long> sent = new HashMap<>();
    read.forEach(sent::put);
    LatencyDistribution again =
        LatencyDistribution.of(from -> sent.getOrDefault(from, 0L), read.sumNanos());
    assertThat(again.count()).isEqualTo(read.count());
    assertThat(again.quantileNanos(0.7)).isEqualTo(read.quantileNanos(0.7));
  }
}
