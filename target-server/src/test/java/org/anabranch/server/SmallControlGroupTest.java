// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server in a control group that has little memory (MemoryMax of a service, a container): limits
 * are lowered until they fit, and the kernel has no reason to kill it. Needs root.
 */
@Timeout(180)
final class SmallControlGroupTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final int MIB = 1 << 20;
  private static final int LIMIT = 256 * MIB;
  private static final int SESSIONS = 16;
  private static final int READS = 32;

  private static final Path HIERARCHY = Path.of("/sys/fs/cgroup");

  @TempDir private Path folder;
  private Path group = HIERARCHY;

  @BeforeEach
  void makeGroup() throws IOException {
    boolean second = Files.exists(HIERARCHY.resolve("cgroup.controllers"));
    Path parent = second ? HIERARCHY : HIERARCHY.resolve("memory");
    Path made = parent.resolve("anabranch-test-" + ProcessHandle.current().pid());
    try {
      group = Files.createDirectory(made);
      Files.writeString(
          made.resolve(second ? "memory.max" : "memory.limit_in_bytes"), Integer.toString(LIMIT));
    } catch (IOException e) {
      abort("no control group with a limit can be made: " + e);
    }
  }

  @AfterEach
  void removeGroup() throws Exception {
    if (!group.equals(HIERARCHY)) {
      Await.until("the group is empty", () -> Files.readString(procs()).isEmpty());
      Files.delete(group); // a folder of the kernel's: its files do not count
    }
  }

  private Path procs() {
    return group.resolve("cgroup.procs");
  }

  @Test
  void aLoadThatWouldNeedMoreIsServed() throws Exception {
    Files.writeString(
        folder.resolve("anabranch.conf"),
        """
        anabranch {
          portals = ["127.0.0.1:0"]
          state-dir = state
          volumes { v { path = v.img, size = 64 MiB } }
          targets { "%s" { luns { 0 = v } } }
        }
        """
            .formatted(TARGET));
    List<String> into = List.of("sh", "-c", "echo $$ > " + procs() + "; exec \"$@\"", "sh");
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = ServerProcess.servingAs(into, folder)) {
      Site site = new Site(folder);
      assertThat(String.valueOf(site.ask("status", Map.of()).get("warnings")))
          .contains("limits.memory")
          .contains("MemoryMax");
      List<CompletableFuture<ByteBuffer>> reads = new ArrayList<>();
      for (int i = 0; i < SESSIONS; i++) {
        Disk disk = Site.Host.logIn(initiator, server, TARGET).disk(0);
        for (int k = 0; k < READS; k++) {
          reads.add(disk.read(0, MIB / 512));
        }
      }
      for (CompletableFuture<ByteBuffer> each : reads) {
        assertThat(Initiator.await(each, 60).capacity()).isEqualTo(MIB);
      }
      long resident = resident(server);
      System.out.printf("in a control group of 256 MiB: %d MiB resident%n", resident >> 10);
      assertThat(resident << 10).isLessThan(LIMIT);
      assertThat(server.terminate()).as(server.errors()).isZero();
    }
  }

  /** KiB. */
  private static long resident(ServerProcess server) throws IOException {
    return Files.readAllLines(Path.of("/proc/" + server.process().pid() + "/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElseThrow();
  }
}
