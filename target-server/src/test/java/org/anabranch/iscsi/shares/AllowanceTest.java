// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class AllowanceTest {
  private static final long MILLISECOND = Duration.ofMillis(1).toNanos();

  /** The clock of the JVM may be negative, and may overflow. */
  private long now = Long.MAX_VALUE - 50 * MILLISECOND;

  private final Allowance allowance = new Allowance(100, 5, now);

  private void allowedNow(int times) {
    for (int i = 0; i < times; i++) {
      assertThat(allowance.spend(now)).isLessThanOrEqualTo(0);
    }
  }

  @Test
  void someAtOnceAndThenSoManyASecond() {
    allowedNow(5);
    assertThat(allowance.spend(now)).isEqualTo(10 * MILLISECOND);
    now += 10 * MILLISECOND;
    assertThat(allowance.spend(now)).isEqualTo(10 * MILLISECOND);
    now += 20 * MILLISECOND;
    allowedNow(1);
  }

  @Test
  void whoDoesNothingSavesNoMoreThanThat() {
    now += Duration.ofHours(1).toNanos();
    allowedNow(5);
    assertThat(allowance.spend(now)).isPositive();
  }
}
