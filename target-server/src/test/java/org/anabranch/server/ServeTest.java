// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.server.control.ControlClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code anabranch serve} as a process: what it says, leaves behind and refuses. */
final class ServeTest {
  @TempDir Path folder;

  @Test
  void nothingConfiguredServesOneGibibyteAndStopsCleanly() throws Exception {
    try (ServerProcess server = ServerProcess.serving(folder)) {
      assertThat(server.readyLine()).matches("anabranch: ready, portals 127\\.0\\.0\\.1:[0-9]+");
      Path disk = folder.resolve("anabranch-data/disk0.img");
      assertThat(disk).hasSize(1L << 30);
      assertThat((Long) Files.getAttribute(disk, "unix:size")).isEqualTo(1L << 30);
      assertThat(server.terminate()).isZero();
      assertThat(server.output()).isEmpty();
      assertThat(server.errors()).doesNotContain("ERROR").doesNotContain("Exception");
    }
  }

  @Test
  void theSecondStartOnTheSameDataWorks() throws Exception {
    for (int i = 0; i < 2; i++) {
      try (ServerProcess server = ServerProcess.serving(folder)) {
        assertThat(server.terminate()).isZero();
      }
    }
  }

  @Test
  void aSecondServerOnTheSameStateIsRefused() throws Exception {
    try (ServerProcess first = ServerProcess.serving(folder)) {
      refused(
          "anabranch: state-dir "
              + folder.resolve("anabranch-data")
              + " is in use by another server, process "
              + first.process().pid(),
          "serve",
          "--portal",
          "127.0.0.1:0");
    }
  }

  @Test
  void aKilledServerLeavesNoLockBehind() throws Exception {
    try (ServerProcess first = ServerProcess.serving(folder)) {
      first.process().destroyForcibly();
      first.await();
    }
    try (ServerProcess second = ServerProcess.serving(folder)) {
      assertThat(second.terminate()).isZero();
    }
  }

  @Test
  void aTakenPortIsRefused() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      refused(
          "anabranch: cannot listen on 127.0.0.1:"
              + taken.getLocalPort()
              + ": Address already in use",
          "serve",
          "--portal",
          "127.0.0.1:" + taken.getLocalPort());
    }
  }

  @Test
  void aFolderThatCannotBeWrittenIsRefused() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "");
    refused(
        "anabranch: state-dir " + file + " cannot be used: " + file + " is not a folder",
        "serve",
        "--portal",
        "127.0.0.1:0",
        "--data",
        file.toString());
  }

  @Test
  void whatTheFileAsksForAndCannotBeIsAUsageErrorWithItsLine() throws Exception {
    Path configuration = folder.resolve("a.conf");
    Files.writeString(
        configuration,
        """
        anabranch { portals = ["127.0.0.1:0"], state-dir = state
          volumes { vm1 { path = missing.img } }
          devices { d = "0 8 frobnicate" }
          targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } } }
        """);
    try (ServerProcess server = new ServerProcess(folder, "serve", "--config", "a.conf")) {
      assertThat(server.await()).isEqualTo(2);
      assertThat(server.output()).isEmpty();
      assertThat(afterTheStart(server).lines())
          .hasSize(2)
          .contains(
              "a.conf:2: anabranch.volumes.vm1: "
                  + folder.resolve("missing.img")
                  + " does not exist, and no size says how large to make it: give the volume a"
                  + " size, or put its image there")
          .anyMatch(line ->
              line.startsWith("a.conf:3: anabranch.devices.d: line 1: frobnicate: unknown"));
    }
  }

  @Test
  void aBadConfigurationIsAUsageError() throws Exception {
    Path configuration = Files.writeString(folder.resolve("a.conf"), "anabranch { portal = 1 }\n");
    try (ServerProcess server = new ServerProcess(folder, "serve", "--config", "a.conf")) {
      assertThat(server.await()).isEqualTo(2);
      assertThat(server.errors())
          .startsWith("a.conf:1: anabranch.portal: unknown key; did you mean portals?");
      assertThat(server.errors().lines()).hasSize(1);
    }
    assertThat(configuration).exists();
  }

  /** The JVM leaves a signal alone that it finds ignored; nohup starts it so. */
  @Test
  void aHangupReloadsUnderNohupToo() throws Exception {
    String configuration =
        "anabranch { portals = [\"127.0.0.1:0\"], state-dir = state,"
            + " volumes { v { path = v.img, size = 1 MiB } } }";
    try (ServerProcess server = ServerProcess.servingUnderNohup(folder, configuration)) {
      signal(server, "HUP");
      Await.until("SIGHUP is logged", server::errors, log -> log.contains("SIGHUP: "));
      assertThat(server.terminate()).isZero();
    }
  }

  /**
   * The same signal means that somebody has closed the terminal, when there is one and it is gone.
   */
  @Test
  void closingTheTerminalEndsItAndAHangupReloadsUnderATerminal() throws Exception {
    Tools.require("script");
    Path socket = folder.resolve("anabranch-data/control.sock");
    try (ServerProcess terminal = ServerProcess.servingOnATerminal(folder)) {
      Await.until("it serves", () -> Files.exists(socket), there -> there);
      ProcessHandle server = terminal.process().children().findAny().orElseThrow();
      Tools.run(10, "sh", "-c", "kill -HUP " + server.pid()).expect(0);
      assertThat(new ControlClient(socket).ask("status", Map.of(), state -> {}))
          .as("it goes on")
          .containsKey("volumes");
      terminal.process().destroyForcibly();
      server.onExit().get(60, TimeUnit.SECONDS);
      assertThat(socket).as("it stopped in order").doesNotExist();
    }
  }

  @Test
  void aSignalForAnotherProgramDoesNotEndIt() throws Exception {
    try (ServerProcess server = ServerProcess.serving(folder)) {
      signal(server, "USR1");
      Await.until("SIGUSR1 is logged", server::errors, log -> log.contains("SIGUSR1 does nothing"));
      assertThat(server.terminate()).isZero();
    }
  }

  private static void signal(ServerProcess server, String name) throws Exception {
    Tools.run(10, "sh", "-c", "kill -" + name + " " + server.process().pid()).expect(0);
  }

  /** What a server said after the log's first line, which has its version and configuration. */
  private static String afterTheStart(ServerProcess server) throws Exception {
    String said = server.errors();
    int end = said.indexOf('\n') + 1;
    assertThat(said.substring(0, end))
        .containsPattern(" INFO  server: anabranch \\S+ starts with .*, state in ");
    return said.substring(end);
  }

  /** One line after the start, nothing on standard output, status 1. */
  private void refused(String message, String... arguments) throws Exception {
    try (ServerProcess server = new ServerProcess(folder, arguments)) {
      assertThat(server.await()).isEqualTo(1);
      assertThat(server.output()).isEmpty();
      assertThat(afterTheStart(server)).isEqualTo(message + "\n");
    }
  }
}
