// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How long requests of the control plane wait. */
final class RequestPaceTest {
  private long time;
  private final RequestPace pace = new RequestPace(3, 10, () -> time);

  private long millis() {
    return Duration.ofNanos(pace.delay()).toMillis();
  }

  @Test
  void aBurstIsServedAtOnceAndTheRestInTurn() {
    assertThat(new long[] {millis(), millis(), millis()}).containsOnly(0);
    assertThat(millis()).isEqualTo(100);
    assertThat(millis()).isEqualTo(200);
    time += Duration.ofMillis(200).toNanos();
    assertThat(millis()).isEqualTo(100);
    time += Duration.ofSeconds(100).toNanos();
    assertThat(new long[] {millis(), millis(), millis()}).containsOnly(0);
    assertThat(millis()).isEqualTo(100);
  }

  @Test
  void anInterruptEndsTheWait() {
    RequestPace slow = new RequestPace(1, 1, System::nanoTime);
    slow.await();
    slow.delay();
    Thread.currentThread().interrupt();
    slow.await();
    assertThat(Thread.interrupted()).isTrue();
  }
}
