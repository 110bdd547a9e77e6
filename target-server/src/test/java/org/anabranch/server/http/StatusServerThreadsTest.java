// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.http;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

/** A request over HTTP while the system has no threads to give. */
final class StatusServerThreadsTest {
  @Test
  void aRequestWithoutAThreadIsRejected() {
    Executor none =
        StatusServer.orRejected(task -> {
          throw new OutOfMemoryError("unable to create native thread (on purpose)");
        });
    assertThatThrownBy(() -> none.execute(() -> {})).isInstanceOf(RejectedExecutionException.class);
  }
}
