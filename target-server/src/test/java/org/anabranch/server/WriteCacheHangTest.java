// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.SystemCallFaults.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A disk hangs while its write cache has acknowledged writes: only changes of its volume wait. */
@Timeout(120)
final class WriteCacheHangTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 1 MiB }, vm2 { path = vm2.img, size = 1 MiB } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = vm1, 1 = vm2 } } }
      write-cache.size = 1 MiB
      """;

  @TempDir private Path folder;

  private static ByteBuffer block(int value) {
    byte[] bytes = new byte[4096];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private static String warnings(Site site) throws Exception {
    return String.valueOf(site.ask("status", Map.of()).get("warnings"));
  }

  @Test
  void changesOfOtherVolumesGoOn() throws Exception {
    SystemCallFaults faults = SystemCallFaults.compile(folder);
    Site site = new Site(folder);
    site.configure(CONFIGURATION);
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = faults.serve(site)) {
      Disk disk = Site.Host.logIn(initiator, server, TARGET).disk(0);
      Initiator.await(disk.write(0, block(1)), 30);
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
      faults.arm(Kind.HANG, 0, SystemCallFaults.SYNC, 0, true, "vm1@a.cow", "");
      Initiator.await(disk.write(0, block(2)), 30); // acknowledged from the ring
      Await.until("the sync hangs", () -> faults.hits() > 0);
      assertThat(warnings(site)).doesNotContain("write cache");

      site.ask("snapshot create", Map.of("volume", "vm2", "name", "a"));
      assertThat(warnings(site)).contains("write cache of vm1").contains("changes of it wait");
      site.ask("snapshot create", Map.of("volume", "vm2", "name", "b"));

      CompletableFuture<?> rollback =
          CompletableFuture.supplyAsync(() -> {
            try {
              return site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true));
            } catch (Exception e) {
              throw new AssertionError(e);
            }
          });
      Await.until("the log says so", () -> server.errors().contains("write cache of vm1"));
      assertThat(rollback).isNotDone();
      faults.disarm();
      rollback.get(60, TimeUnit.SECONDS);
      Await.until(
          "it is rolled back",
          () -> String.valueOf(site.ask("snapshot list", Map.of())),
          list -> !list.contains("vm1@a"));
      assertThat(Initiator.await(disk.read(0, 8), 30).rewind().get()).isEqualTo((byte) 1);
      assertThat(warnings(site)).doesNotContain("write cache");
      assertThat(server.terminate()).as(server.errors()).isZero();
    } finally {
      faults.disarm();
    }
  }
}
