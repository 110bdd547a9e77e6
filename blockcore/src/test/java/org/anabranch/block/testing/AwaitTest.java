// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class AwaitTest {
  @Test
  void returnsTheFirstGoodValue() {
    AtomicInteger calls = new AtomicInteger();
    assertThat(Await.until("three", calls::incrementAndGet, n -> n == 3)).isEqualTo(3);
    Await.until("five", () -> calls.incrementAndGet() == 5);
    assertThat(calls).hasValue(5);
  }

  @Test
  void failsAtTheDeadlineAndSaysWhatItWaitedFor() {
    assertThatThrownBy(
            () -> Await.until(Duration.ofMillis(30), "a second LUN", () -> "one", "two"::equals))
        .isInstanceOf(AssertionError.class)
        .hasMessage("not within PT0.03S: a second LUN; last seen: one");
  }

  @Test
  void endsWhenItIsInterrupted() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> Await.until("never", () -> false))
        .hasMessageStartingWith("interrupted while waiting for: never");
    assertThat(Thread.interrupted()).isTrue();
  }
}
