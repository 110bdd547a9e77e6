// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.anabranch.server.systemd.NotifyListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server as a service of systemd: what its manager hears from the start to the end. */
final class ServiceTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir Path folder;

  @Test
  void theManagerHearsOfStartReloadRefusalAndStop() throws Exception {
    Path socket = folder.resolve("notify");
    String configuration =
        """
        anabranch {
          portals = ["127.0.0.1:0"]
          state-dir = state
          volumes { vm1 { path = vm1.img, size = 1 MiB } }
          targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
        }
        """;
    try (NotifyListener listener = new NotifyListener(socket.toString());
        ServerProcess server =
            ServerProcess.servingAsService(
                folder, configuration, Map.of("NOTIFY_SOCKET", socket.toString()))) {
      assertThat(listener.next(PATIENCE))
          .isEqualTo("READY=1\nSTATUS=Serving 1 target on " + server.portal());
      new ProcessBuilder("kill", "-HUP", Long.toString(server.process().pid())).start().waitFor();
      assertThat(listener.next(PATIENCE)).startsWith("RELOADING=1\nMONOTONIC_USEC=");
      assertThat(listener.next(PATIENCE)).startsWith("READY=1\nSTATUS=Serving 1 target on ");
      Files.writeString(folder.resolve("anabranch.conf"), "anabranch { volums {} }");
      new ProcessBuilder("kill", "-HUP", Long.toString(server.process().pid())).start().waitFor();
      assertThat(listener.next(PATIENCE)).startsWith("RELOADING=1\n");
      assertThat(listener.next(PATIENCE))
          .startsWith("READY=1\nSTATUS=Serving 1 target on ")
          .endsWith("; 1 to look at, see anabranch status");
      assertThat(server.terminate()).isZero();
      assertThat(listener.next(PATIENCE)).startsWith("STOPPING=1\nSTATUS=Stopping");
    }
  }

  @Test
  void theWatchdogOfAServerThatRunsIsFed() throws Exception {
    Path socket = folder.resolve("notify");
    try (NotifyListener listener = new NotifyListener(socket.toString());
        ServerProcess server =
            ServerProcess.servingAsService(
                folder,
                "anabranch { portals = [\"127.0.0.1:0\"], state-dir = state }",
                Map.of("NOTIFY_SOCKET", socket.toString(), "WATCHDOG_USEC", "200000"))) {
      int fed = 0;
      while (fed < 3) {
        String message = listener.next(PATIENCE);
        assertThat(message).as(server.errors()).isNotNull();
        fed += message.equals("WATCHDOG=1") ? 1 : 0;
      }
      assertThat(server.terminate()).isZero();
    }
  }
}
