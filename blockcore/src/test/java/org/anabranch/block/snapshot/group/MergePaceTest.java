// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** How large a batch is, and when it may begin. */
final class MergePaceTest {
  private static final int CHUNK = 64 << 10;
  private static final long SECOND = 1_000_000_000;
  private static final long LIMIT = 50 << 20;

  private final MergePace pace = new MergePace(CHUNK, 1 << 20, 0);

  /** Merges batches that copy at 1 GiB/s and flush for as long as told; the bytes a second. */
  private double run(long flushNanos, int batches) {
    long begin = 0;
    long end = 0;
    long bytes = 0;
    for (int i = 0; i < batches; i++) {
      begin = end + pace.delay(end);
      int chunks = pace.chunks();
      long copied = begin + (((long) chunks * CHUNK * SECOND) >> 30);
      end = copied + flushNanos;
      bytes += (long) chunks * CHUNK;
      pace.merged(chunks, begin, copied, end);
    }
    return (double) bytes * SECOND / end;
  }

  @Test
  void aBatchIsAsLargeAsCanBeCopiedInASecond() {
    run(1_000_000, 20);
    assertThat((long) pace.chunks() * CHUNK).isBetween(MergePace.MAX_BYTES / 2, 1L << 30);
  }

  @Test
  void aBoundIsReachedAndKept() {
    pace.throttle(LIMIT, 0);
    assertThat(run(1_000_000, 100)).isBetween(0.9 * LIMIT, 1.01 * LIMIT);
    assertThat((long) pace.chunks() * CHUNK).as("ten turns a second").isLessThan(LIMIT / 9);
  }

  @Test
  void aBoundIsReachedWhereFlushesTakeLong() {
    pace.throttle(LIMIT, 0);
    assertThat(run(SECOND / 4, 100)).isBetween(0.9 * LIMIT, 1.01 * LIMIT);
    assertThat((long) pace.chunks() * CHUNK).isLessThan(LIMIT);
  }

  @Test
  void aBatchIsNeverLargerThanTold() {
    pace.batch(3L * CHUNK);
    run(1_000_000, 20);
    assertThat(pace.chunks()).isEqualTo(3);
    pace.batch(1);
    assertThat(pace.chunks()).isEqualTo(1);
  }
}
