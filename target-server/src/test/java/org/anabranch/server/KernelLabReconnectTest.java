// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.anabranch.block.testing.TakesLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real Linux guest has a file system mounted while a merge waits, and loses its connection in
 * each way that it can: see test-lab/guest/reconnect-ext4.sh.
 */
@TakesLong
final class KernelLabReconnectTest {
  private static final Path LAB = Path.of("..", "test-lab").toAbsolutePath().normalize();
  @TempDir Path folder;
  private @Nullable ServerProcess server; // guarded by this: the guest may restart it

  @BeforeAll
  static void lab() {
    Tools.require("qemu-system-x86_64", "bash", "e2fsck");
    String folder = Objects.requireNonNullElse(System.getenv("LAB"), "/tmp/kernel-lab");
    Tools.requireThat(
        Files.exists(Path.of(folder, "vmlinux")),
        "no kernel lab in " + folder + ": run test-lab/build, or set LAB");
  }

  private synchronized int start(int port) throws IOException {
    String configuration =
        """
        anabranch {
          portals = ["127.0.0.1:%d"], state-dir = state
          volumes { vm1 { path = vm1.img, size = 64 MiB } }
          targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
        }
        """
            .formatted(port);
    ServerProcess started = ServerProcess.serving(folder, configuration);
    server = started;
    return started.port();
  }

  private synchronized int stop() throws Exception {
    ServerProcess running = Objects.requireNonNull(server);
    int status = running.terminate();
    assertThat(running.errors()).doesNotContain("ERROR");
    server = null;
    return status;
  }

  @AfterEach
  synchronized void kill() {
    if (server != null) {
      server.close();
    }
  }

  /** Runs one command line for each connection, and answers with what it said and its status. */
  private void runCommands(ServerSocket listener, int port) {
    while (true) {
      try (Socket guest = listener.accept();
          BufferedReader in =
              new BufferedReader(
                  new InputStreamReader(guest.getInputStream(), StandardCharsets.UTF_8));
          PrintWriter out =
              new PrintWriter(guest.getOutputStream(), true, StandardCharsets.UTF_8)) {
        String line = Objects.requireNonNull(in.readLine());
        StringWriter said = new StringWriter();
        int status = line.equals("restart") ? restart(port) : run(line, said);
        out.print(said);
        out.println("status " + status);
      } catch (SocketException e) {
        return; // the end of the test
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }
  }

  private int restart(int port) throws Exception {
    int status = stop();
    start(port);
    return status;
  }

  private int run(String line, StringWriter said) {
    List<String> words = new ArrayList<>(List.of(line.split(" ", -1)));
    words.addAll(List.of("--socket", folder.resolve("state/control.sock").toString()));
    PrintWriter both = new PrintWriter(said);
    int status = Main.commandLine().setOut(both).setErr(both).execute(words.toArray(String[]::new));
    both.flush();
    return status;
  }

  private static void guest(String mode, int port, ServerSocket listener) throws Exception {
    // The guest reaches our loopback as 10.0.2.2.
    List<String> command =
        new ArrayList<>(
            List.of(
                "bash",
                LAB.resolve("run").toString(),
                LAB.resolve("guest/reconnect-ext4.sh").toString(),
                "--timeout",
                "200"));
    for (String variable :
        List.of(
            "PORTAL=10.0.2.2:" + port,
            "TARGET=iqn.2026-11.org.example:vm1",
            "HOST=10.0.2.2:" + listener.getLocalPort(),
            "MODE=" + mode)) {
      command.addAll(List.of("--env", variable));
    }
    Tools.Result result = Tools.run(230, command.toArray(String[]::new)).expect(0);
    assertThat(result.output()).contains("GUEST-OK");
  }

  @Test
  void whatLosesTheConnectionIsNoLogout() throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 8, InetAddress.ofLiteral("127.0.0.1"))) {
      int port = start(0);
      Thread.ofVirtual().start(() -> runCommands(listener, port));
      guest("reconnect", port, listener);
      assertThat(stop()).isZero();
    }
    Tools.run(60, "e2fsck", "-fn", folder.resolve("vm1.img").toString()).expect(0);
  }

  @Test
  void aRebootFindsTheOldFiles() throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 8, InetAddress.ofLiteral("127.0.0.1"))) {
      int port = start(0);
      Thread.ofVirtual().start(() -> runCommands(listener, port));
      guest("reboot", port, listener);
      guest("rebooted", port, listener);
      assertThat(stop()).isZero();
    }
    Tools.run(60, "e2fsck", "-fn", folder.resolve("vm1.img").toString()).expect(0);
  }
}
