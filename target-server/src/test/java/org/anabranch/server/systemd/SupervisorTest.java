// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What arrives at a service manager's socket, and when the watchdog is fed. */
final class SupervisorTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final long PID = 4711;

  @TempDir Path folder;

  @Test
  void messagesArriveAtAPathAndAtAnAbstractName() throws Exception {
    String abstractName = "@anabranch-test-" + ProcessHandle.current().pid();
    for (String name : new String[] {folder.resolve("notify").toString(), abstractName}) {
      try (NotifyListener listener = new NotifyListener(name)) {
        Supervisor supervisor = Supervisor.of(Map.of("NOTIFY_SOCKET", name), PID);
        supervisor.ready("Serving\n3 targets");
        assertThat(listener.next(PATIENCE)).isEqualTo("READY=1\nSTATUS=Serving 3 targets");
        supervisor.reloading();
        assertThat(listener.next(PATIENCE))
            .matches("(?s)RELOADING=1\nMONOTONIC_USEC=[0-9]+\nSTATUS=.*");
        supervisor.stopping();
        assertThat(listener.next(PATIENCE)).startsWith("STOPPING=1\n");
      }
    }
  }

  @Test
  void whoIsNotAServiceTellsNobody() {
    assertThat(Supervisor.of(Map.of(), PID)).isSameAs(Supervisor.NONE);
    assertThat(Supervisor.of(Map.of("NOTIFY_SOCKET", ""), PID)).isSameAs(Supervisor.NONE);
    Supervisor.NONE.ready("nobody reads this");
  }

  @Test
  void badSocketsAreNoEnd() throws Exception {
    for (String bad : new String[] {"relative", "@", "/" + "x".repeat(200)}) {
      assertThat(Supervisor.of(Map.of("NOTIFY_SOCKET", bad), PID)).isSameAs(Supervisor.NONE);
    }
    String nobody = folder.resolve("nobody").toString();
    Supervisor.of(Map.of("NOTIFY_SOCKET", nobody), PID).ready("logged, and no exception");
    NotifySocket socket = new NotifySocket(nobody);
    assertThatThrownBy(() -> socket.send("x")).isInstanceOf(IOException.class);
  }

  @Test
  void theWatchdogIsForTheProcessThatItNames() {
    assertThat(watchdog("30000000", "4711")).isEqualTo(Duration.ofSeconds(30));
    assertThat(watchdog("30000000", "")).isEqualTo(Duration.ofSeconds(30));
    assertThat(watchdog("30000000", "4712")).isZero();
    assertThat(watchdog("", "4711")).isZero();
    assertThat(watchdog("soon", "4711")).isZero();
  }

  private Duration watchdog(String micros, String pid) {
    return Supervisor.of(
            Map.of(
                "NOTIFY_SOCKET",
                folder.resolve("notify").toString(),
                "WATCHDOG_USEC",
                micros,
                "WATCHDOG_PID",
                pid),
            PID)
        .watchdog();
  }

  @Test
  void theWatchdogIsFedWhileTheServerAnswersAndOnlyThen() throws Exception {
    String name = folder.resolve("notify").toString();
    try (NotifyListener listener = new NotifyListener(name)) {
      Supervisor supervisor =
          Supervisor.of(Map.of("NOTIFY_SOCKET", name, "WATCHDOG_USEC", "40000"), PID);
      CompletableFuture<Void> hangs = new CompletableFuture<>();
      CountDownLatch hanging = new CountDownLatch(3);
      try (Watchdog _ =
          Watchdog.start(
              supervisor,
              () -> {
                hanging.countDown();
                return hanging.getCount() > 0 ? CompletableFuture.completedFuture(null) : hangs;
              })) {
        assertThat(listener.next(PATIENCE)).isEqualTo("WATCHDOG=1");
        assertThat(listener.next(PATIENCE)).isEqualTo("WATCHDOG=1");
        hanging.await();
        assertThat(listener.next(Duration.ofMillis(200))).isNull();
        hangs.complete(null);
        assertThat(listener.next(PATIENCE)).isEqualTo("WATCHDOG=1");
      }
    }
  }
}
