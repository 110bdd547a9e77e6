// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class SilentEndpointsTest {
  private static final long SLOW = TimeUnit.SECONDS.toNanos(1);

  private long now = Long.MAX_VALUE - SLOW; // nanoTime may overflow
  private int asked;
  private final SilentEndpoints<String> endpoints = new SilentEndpoints<>(SLOW, () -> now);

  private String ask(String endpoint, String address, long nanos, boolean fails)
      throws IOException {
    return endpoints.ask(
        endpoint,
        address,
        () -> {
          asked++;
          now += nanos;
          if (fails) {
            throw new IOException("it does not answer");
          }
          return "yes";
        });
  }

  @Test
  void aSilentEndpointIsNotAskedAgainForSomeSeconds() throws Exception {
    assertThatThrownBy(() -> ask("a", "a:1", SLOW + 1, true)).hasMessage("a:1: it does not answer");
    assertThatThrownBy(() -> ask("a", "a:2", 0, false)).hasMessage("a:2: it does not answer");
    assertThat(asked).isEqualTo(1);
    assertThat(ask("b", "b:1", 0, false)).isEqualTo("yes");
    now += SilentEndpoints.MEMORY_NANOS;
    assertThat(ask("a", "a:2", 0, false)).isEqualTo("yes");
    assertThat(asked).isEqualTo(3);
  }

  @Test
  void aFailureThatWasQuickIsNotRemembered() throws Exception {
    assertThatThrownBy(() -> ask("a", "a:1", SLOW, true)).hasMessage("a:1: it does not answer");
    assertThat(ask("a", "a:1", 0, false)).isEqualTo("yes");
  }
}
