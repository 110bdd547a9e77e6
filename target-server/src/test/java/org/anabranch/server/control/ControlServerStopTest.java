// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The control socket when the server stops. */
@Timeout(60)
final class ControlServerStopTest {
  @TempDir private Path folder;

  /** Its request has been read when the server stops. */
  private static final class Late implements Verb<Nothing, Nothing, Nothing> {
    final CompletableFuture<ControlServer> server = new CompletableFuture<>();

    @Override
    public Call<Nothing, Nothing, Nothing> call() {
      return Call.of("late", "Comes late.", Nothing.class, Nothing.class);
    }

    @Override
    public Place place(Nothing arguments) {
      server.join().stopListening();
      return Place.COMMAND;
    }

    @Override
    public Nothing run(Nothing arguments, Caller<Nothing> caller) {
      return arguments;
    }
  }

  /** The socket has no name any more, by which the server knows whose group it is. */
  @Test
  void aRequestThatWasReadBeforeItIsToldOfTheStop() throws Exception {
    Path socket = folder.resolve("s");
    Late late = new Late();
    try (ControlServer server =
        ControlServer.start(socket, List.of(late), () -> new ControlLimits(8, 8))) {
      late.server.complete(server);
      ControlClient client = new ControlClient(socket);
      assertThatThrownBy(() -> client.ask("late", Map.of(), progress -> {}))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("the server is stopping")
          .hasMessageNotContaining("internal error");
    }
  }
}
