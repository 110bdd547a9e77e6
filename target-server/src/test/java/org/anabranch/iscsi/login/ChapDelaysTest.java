// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ChapDelaysTest {
  private long now;
  private final ChapDelays delays = new ChapDelays(() -> now);

  private static InetAddress address(String text) {
    try {
      return InetAddress.getByName(text);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static final InetAddress HOST = address("192.0.2.1");

  private void fail(int times, InetAddress from) {
    for (int i = 0; i < times; i++) {
      delays.failed(from);
    }
  }

  @Test
  void theDelayGrowsWithTheFailuresUpToABound() {
    List<Long> millis = new ArrayList<>();
    for (int i = 0; i < 11; i++) {
      millis.add(delays.before(HOST).toMillis());
      delays.failed(HOST);
    }
    assertThat(millis).containsExactly(0L, 0L, 0L, 0L, 100L, 200L, 400L, 800L, 1600L, 3000L, 3000L);
    fail(100_000, HOST);
    assertThat(delays.before(HOST)).isEqualTo(ChapDelays.MOST);
  }

  @Test
  void itGoesBackWithTime() {
    fail(100_000, HOST);
    now += ChapDelays.HALF.toNanos();
    assertThat(delays.before(HOST)).isBetween(Duration.ofMillis(100), Duration.ofMillis(200));
    now += ChapDelays.HALF.toNanos();
    assertThat(delays.before(HOST)).isZero();
  }

  @Test
  void anotherAddressDoesNotWait() {
    fail(20, HOST);
    assertThat(delays.before(address("192.0.2.2"))).isZero();
  }

  @Test
  void aNetworkOf64BitsIsOneAddress() {
    fail(20, address("2001:db8:1:2::1"));
    assertThat(delays.before(address("2001:db8:1:2:ffff::9"))).isEqualTo(ChapDelays.MOST);
    assertThat(delays.before(address("2001:db8:1:3::1"))).isZero();
  }

  @Test
  void theTableIsBoundedAndKeepsThoseThatFailedLast() {
    fail(20, HOST);
    for (int i = 0; i < 2 * ChapDelays.MAX_ADDRESSES; i++) {
      fail(20, address("10.0." + (i >> 8) + "." + (i & 255)));
      if (i % 1000 == 0) {
        delays.failed(HOST);
      }
    }
    assertThat(delays.size()).isEqualTo(ChapDelays.MAX_ADDRESSES);
    assertThat(delays.before(HOST)).isEqualTo(ChapDelays.MOST);
    assertThat(delays.before(address("10.0.0.0"))).isZero();
  }
}
