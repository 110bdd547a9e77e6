// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server that has little memory, or no file descriptor left, and one that gives memory back. */
@Timeout(180)
final class ResourcesTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      """
      volumes { v { path = v.img, size = 64 MiB } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = v } } }
      """;
  private static final int BLOCKS = 2048; // 1 MiB

  @TempDir private Path folder;

  private ServerProcess serve(String javaOptions) throws IOException {
    Site site = new Site(folder);
    site.configure(CONFIGURATION);
    return ServerProcess.servingAsService(
        folder, Files.readString(site.configuration), Map.of("JAVA_TOOL_OPTIONS", javaOptions));
  }

  /** So many sessions have so many reads of 1 MiB under way, which all succeed. */
  private static void load(ServerProcess server, int sessions, int reads) throws Exception {
    try (Initiator initiator = new Initiator()) {
      List<CompletableFuture<ByteBuffer>> all = new ArrayList<>();
      for (int i = 0; i < sessions; i++) {
        Disk disk = Site.Host.logIn(initiator, server, TARGET).disk(0);
        for (int k = 0; k < reads; k++) {
          all.add(disk.read((long) (i + k) % 63 * BLOCKS, BLOCKS));
        }
      }
      CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).get(120, TimeUnit.SECONDS);
    }
  }

  @Test
  void aSmallHeapServesSixteenSessionsOfThirtyTwoLargeReads() throws Exception {
    try (ServerProcess server = serve("-Xmx64m")) {
      load(server, 16, 32);
      assertThat(server.errors())
          .contains("limits.memory: is 256 MiB, and ")
          .doesNotContain("OutOfMemory")
          .doesNotContain("ERROR");
      assertThat(server.terminate()).isZero();
    }
  }

  private static long residentMib(ServerProcess server) throws IOException {
    Path status = Path.of("/proc", Long.toString(server.process().pid()), "status");
    try (Stream<String> lines = Files.lines(status)) {
      return lines
              .filter(line -> line.startsWith("VmRSS:"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
              .sum()
          / 1024;
    }
  }

  /** What docs/limits.md promises. */
  @Test
  void memoryGoesBackToTheSystemAfterALoad() throws Exception {
    String trim =
        Files.readAllLines(Path.of("../packaging/jvm.options")).stream()
            .filter(line -> line.contains("TrimNativeHeapInterval"))
            .findFirst()
            .orElseThrow();
    try (ServerProcess server = serve(trim + " -Xms32m -XX:NewSize=24m")) {
      load(server, 16, 32);
      Await.until(
          Duration.ofSeconds(30), "resident below 250 MiB", () -> residentMib(server) < 250);
      assertThat(server.terminate()).isZero();
    }
  }

  private static int descriptors(ServerProcess server) throws IOException {
    try (Stream<Path> all =
        Files.list(Path.of("/proc", Long.toString(server.process().pid()), "fd"))) {
      return (int) all.count();
    }
  }

  /** How many it may have now. */
  private static int descriptorLimit(ServerProcess server) throws IOException {
    Path limits = Path.of("/proc", Long.toString(server.process().pid()), "limits");
    return Files.readAllLines(limits).stream()
        .filter(line -> line.startsWith("Max open files"))
        .mapToInt(line -> Integer.parseInt(line.split("\\s+", -1)[3]))
        .findFirst()
        .orElseThrow();
  }

  private static void limitDescriptors(ServerProcess server, int limit) throws Exception {
    Process prlimit =
        new ProcessBuilder(
                "prlimit",
                "--pid",
                Long.toString(server.process().pid()),
                "--nofile=" + limit + ":")
            .inheritIO()
            .start();
    assertThat(prlimit.waitFor()).isZero();
  }

  @Test
  void controlIsAnsweredAndLoginsComeBackWhenDescriptorsWereUsedUp() throws Exception {
    List<Socket> sockets = new ArrayList<>();
    try (Initiator initiator = new Initiator();
        ServerProcess server = serve("-Dx=y")) {
      Site site = new Site(folder);
      // Here classes are files of their own, and each needs a descriptor when it is loaded.
      assertThat(Site.Host.logIn(initiator, server, TARGET).lives()).isTrue();
      site.ask("session list", Map.of());
      site.ask("status", Map.of());
      int before = descriptorLimit(server);
      limitDescriptors(server, descriptors(server));
      for (int i = 0; i < 20; i++) { // uses up numbers that were left between
        sockets.add(new Socket(InetAddress.getLoopbackAddress(), server.port()));
      }
      Await.until(
          "a portal has failed", () -> server.errors().contains("a connection cannot be accepted"));
      for (int i = 0; i < 10; i++) {
        assertThat(site.ask("status", Map.of())).containsKey("portals");
        assertThat(site.ask("session list", Map.of())).containsKey("sessions");
      }
      assertThat(server.errors().lines().count()).as("lines of the log").isLessThan(100);
      limitDescriptors(server, before);
      for (Socket socket : sockets) {
        socket.close();
      }
      assertThat(Site.Host.logIn(initiator, server, TARGET).lives()).isTrue();
      assertThat(server.terminate()).isZero();
    }
  }
}
