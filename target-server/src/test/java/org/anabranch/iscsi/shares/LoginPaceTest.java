// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How long logins of an address wait. */
final class LoginPaceTest {
  private static final TokenBucket.Rate RATE = new TokenBucket.Rate(4, 10);

  private long time;
  private final LoginPace pace = new LoginPace(() -> time);

  private static InetAddress address(int number) {
    try {
      return InetAddress.getByAddress(
          new byte[] {10, (byte) (number >> 16), (byte) (number >> 8), (byte) number});
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  private long millis(int from) {
    return pace.delay(address(from), RATE).toMillis();
  }

  private void pass(long millis) {
    time += Duration.ofMillis(millis).toNanos();
  }

  @Test
  void aBurstGoesAtOnceAndTheRestInTurn() {
    for (int i = 0; i < 4; i++) {
      assertThat(millis(9)).isZero();
    }
    assertThat(millis(9)).isEqualTo(100);
    assertThat(millis(9)).isEqualTo(200);
    pass(100);
    assertThat(millis(9)).isEqualTo(200);
    pass(10_000);
    for (int i = 0; i < 4; i++) {
      assertThat(millis(9)).isZero();
    }
    assertThat(millis(9)).isEqualTo(100);
  }

  @Test
  void nobodyWaitsForLongAndOthersDoNotWait() {
    for (int i = 0; i < 1000; i++) {
      assertThat(millis(9)).isLessThanOrEqualTo(LoginPace.MOST.toMillis());
    }
    assertThat(millis(1)).isZero();
    pass(LoginPace.MOST.toMillis() + 100);
    assertThat(millis(9)).isZero();
  }

  @Test
  void aDifferentRateHoldsFromNowOn() {
    for (int i = 0; i < 10; i++) {
      millis(9);
    }
    assertThat(pace.delay(address(9), new TokenBucket.Rate(4, 100)).toMillis()).isEqualTo(70);
  }

  @Test
  void itRemembersABoundedNumberOfAddresses() {
    for (int i = 0; i < 3 * LoginPace.MAX_ADDRESSES; i++) {
      millis(i);
    }
    assertThat(pace.addresses()).isEqualTo(LoginPace.MAX_ADDRESSES);
  }
}
