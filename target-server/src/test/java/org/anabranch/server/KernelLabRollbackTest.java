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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A real Linux guest's ext4 is rolled back under it, see test-lab/guest/rollback-ext4.sh. The guest
 * tells the story; its anabranch commands are run here.
 */
@TakesLong
final class KernelLabRollbackTest {
  private static final Path LAB = Path.of("..", "test-lab").toAbsolutePath().normalize();
  private static final String CONFIGURATION =
      """
      anabranch {
        portals = ["127.0.0.1:0"], state-dir = state
        volumes { vm1 { path = vm1.img, size = 64 MiB } }
        targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
      }
      """;

  @TempDir Path folder;

  @BeforeAll
  static void lab() {
    Tools.require("qemu-system-x86_64", "bash", "e2fsck");
    String folder = Objects.requireNonNullElse(System.getenv("LAB"), "/tmp/kernel-lab");
    Tools.requireThat(
        Files.exists(Path.of(folder, "vmlinux")),
        "no kernel lab in " + folder + ": run test-lab/build, or set LAB");
  }

  /** Runs one command line for each connection, and answers with what it said and its status. */
  private void runCommands(ServerSocket listener) {
    while (true) {
      try (Socket guest = listener.accept();
          BufferedReader in =
              new BufferedReader(
                  new InputStreamReader(guest.getInputStream(), StandardCharsets.UTF_8));
          PrintWriter out =
              new PrintWriter(guest.getOutputStream(), true, StandardCharsets.UTF_8)) {
        String line = Objects.requireNonNull(in.readLine());
        List<String> words = new ArrayList<>(List.of(line.split(" ", -1)));
        words.addAll(List.of("--socket", folder.resolve("state/control.sock").toString()));
        StringWriter said = new StringWriter();
        PrintWriter both = new PrintWriter(said);
        int status =
            Main.commandLine().setOut(both).setErr(both).execute(words.toArray(String[]::new));
        both.flush();
        out.print(said);
        out.println("status " + status);
      } catch (SocketException e) {
        return; // the end of the test
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"now", "deferred"})
  void theOldFilesAreBack(String mode) throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 8, InetAddress.ofLiteral("127.0.0.1"));
        ServerProcess server = ServerProcess.serving(folder, CONFIGURATION)) {
      Thread.ofVirtual().start(() -> runCommands(listener));
      // The guest reaches our loopback as 10.0.2.2.
      List<String> command =
          new ArrayList<>(
              List.of(
                  "bash",
                  LAB.resolve("run").toString(),
                  LAB.resolve("guest/rollback-ext4.sh").toString(),
                  "--timeout",
                  "300"));
      for (String variable :
          List.of(
              "PORTAL=10.0.2.2:" + server.port(),
              "TARGET=iqn.2026-11.org.example:vm1",
              "HOST=10.0.2.2:" + listener.getLocalPort(),
              "MODE=" + mode)) {
        command.addAll(List.of("--env", variable));
      }
      Tools.Result result = Tools.run(330, command.toArray(String[]::new)).expect(0);
      assertThat(result.output()).contains("GUEST-OK");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
    Tools.run(60, "e2fsck", "-fn", folder.resolve("vm1.img").toString()).expect(0);
  }
}
