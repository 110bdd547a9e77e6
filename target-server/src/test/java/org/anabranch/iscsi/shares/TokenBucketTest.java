// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class TokenBucketTest {
  private static final long MILLISECOND = Duration.ofMillis(1).toNanos();

  /** The clock of the JVM may be negative, and may overflow. */
  private long now = Long.MAX_VALUE - 50 * MILLISECOND;

  private static final TokenBucket.Rate RATE = new TokenBucket.Rate(5, 100);
  private final TokenBucket bucket = new TokenBucket(RATE, now);

  private void allowedNow(int times) {
    for (int i = 0; i < times; i++) {
      assertThat(bucket.take(RATE, now)).isZero();
    }
  }

  @Test
  void someAtOnceAndThenSoManyASecond() {
    allowedNow(5);
    assertThat(bucket.take(RATE, now)).isEqualTo(10 * MILLISECOND);
    now += 10 * MILLISECOND;
    assertThat(bucket.take(RATE, now)).isEqualTo(10 * MILLISECOND);
    now += 20 * MILLISECOND;
    allowedNow(1);
  }

  @Test
  void whoDoesNothingSavesNoMoreThanThat() {
    now += Duration.ofHours(1).toNanos();
    allowedNow(5);
    assertThat(bucket.take(RATE, now)).isPositive();
  }
}
