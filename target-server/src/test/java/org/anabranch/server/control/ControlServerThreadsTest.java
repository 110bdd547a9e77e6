// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.ThreadStart;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The control socket while the system has no threads to give. */
@Timeout(60)
final class ControlServerThreadsTest {
  @TempDir private Path folder;

  private static final class Hello implements Verb<Nothing, Nothing, Nothing> {
    final AtomicBoolean fails = new AtomicBoolean();

    @Override
    public Call<Nothing, Nothing, Nothing> call() {
      return Call.of("hello", "Says nothing.", Nothing.class, Nothing.class);
    }

    @Override
    public Nothing run(Nothing arguments, Caller<Nothing> caller) {
      if (fails.get()) {
        throw new OutOfMemoryError("unable to create native thread (on purpose)");
      }
      return arguments;
    }
  }

  @Test
  void aRequestWithoutAThreadIsRefusedAndTheNextIsAnswered() throws Exception {
    AtomicBoolean none = new AtomicBoolean(true);
    Path socket = folder.resolve("s");
    Hello hello = new Hello();
    try (ControlServer _ =
        ControlServer.start(
            socket,
            List.of(hello),
            () -> new ControlLimits(8, 8),
            1000,
            work -> {
              if (none.get()) {
                throw new OutOfMemoryError("unable to create native thread (on purpose)");
              }
              return Thread.ofPlatform().daemon().unstarted(work);
            })) {
      ControlClient client = new ControlClient(socket);
      for (int i = 0; i < 100; i++) { // more than there are places
        assertThatThrownBy(() -> client.ask("hello", Map.of(), progress -> {}))
            .isInstanceOf(RefusedException.class);
      }
      none.set(false);
      client.ask("hello", Map.of(), progress -> {});
      hello.fails.set(true);
      for (int i = 0; i < 20; i++) {
        assertThatThrownBy(() -> client.ask("hello", Map.of(), progress -> {}))
            .hasMessageContaining(ThreadStart.REMEDY);
      }
      hello.fails.set(false);
      client.ask("hello", Map.of(), progress -> {});
    }
  }

  @Test
  void theDescriptorsInReserveAreUsedOnceUntilThereAreOthers() {
    SpareDescriptors spare = new SpareDescriptors();
    assertThat(spare.use()).isFalse();
    spare.keep();
    assertThat(spare.use()).isTrue();
    assertThat(spare.use()).isFalse();
    spare.keep();
    assertThat(spare.use()).isTrue();
    spare.close();
  }
}
