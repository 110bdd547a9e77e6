// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code volume list} and {@code volume resize}. */
final class VolumeTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 8 MiB } }
      targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 = "vm1@a" } } }
      """;

  @TempDir private Path folder;

  private static ByteBuffer block(int value) {
    byte[] bytes = new byte[4096];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private static ByteBuffer read(Disk disk, long lba) throws Exception {
    return Initiator.await(disk.read(lba, 8), 30).rewind();
  }

  private static void awaitNoSnapshot(Site site) throws Exception {
    Await.until(
        "no snapshot is left",
        () -> List.of().equals(site.ask("snapshot list", Map.of()).get("snapshots")));
  }

  @Test
  void growsUnderItsInitiatorAndItsSnapshotsForGood() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator()) {
      try (ServerProcess server = site.serve(CONFIGURATION)) {
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        Disk disk = host.disk(0);
        Initiator.await(disk.write(0, block(1)), 30);
        site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
        Initiator.await(disk.write(0, block(2)), 30);

        assertThat(site.anabranch(0, "volume", "resize", "vm1", "12 MiB"))
            .isEqualTo("volume vm1: 8 MiB before, now 12 MiB\n");
        Disk grown = host.disk(0);
        assertThat(host.heard()).contains("2a/09");
        assertThat(grown.bytes()).isEqualTo(12 << 20);
        long last = grown.blocks() - 8;
        assertThat(read(grown, last)).isEqualTo(block(0));
        Initiator.await(grown.write(last, block(3)), 30);
        assertThat(host.disk(1).bytes()).isEqualTo(8 << 20);
        assertThat(read(host.disk(1), 0)).isEqualTo(block(1));
        assertThat(site.dm("table", "vm1")).startsWith("0 24576 snapshot-origin ");

        // Rolling back keeps the new length, and what was written there.
        site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true));
        assertThat(read(grown, 0)).isEqualTo(block(1));
        assertThat(read(grown, last)).isEqualTo(block(3));
        awaitNoSnapshot(site);
        assertThat(read(grown, last)).isEqualTo(block(3));
        assertThat(
                site.ask("volume resize", Map.of("volume", "vm1", "bytes", 1 << 20, "more", true)))
            .containsEntry("bytes", 13 << 20);
        assertThat(server.terminate()).isZero();
        assertThat(server.errors()).doesNotContain("ERROR");
      }
      try (ServerProcess server = site.serve(CONFIGURATION)) {
        assertThat(Site.Host.logIn(initiator, server, TARGET).disk(0).bytes()).isEqualTo(13 << 20);
        assertThat(site.anabranch(0, "volume", "list"))
            .isEqualTo(
                """
                VOLUME  SIZE    BLOCK  MODE  FILE
                vm1     13 MiB  512    rw    %s
                """
                    .formatted(folder.resolve("vm1.img")));
      }
    }
  }

  @Test
  void shrinksOnlyByForceAndUnused() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Map<String, Object> smaller = Map.of("volume", "vm1", "bytes", 8 << 20);
      Map<String, Object> forced = Map.of("volume", "vm1", "bytes", 8 << 20, "force", true);
      site.ask("volume resize", Map.of("volume", "vm1", "bytes", 16 << 20));
      assertThat(site.refusal("volume resize", smaller))
          .contains("to shrink it to 8 MiB loses what is behind that")
          .contains("--force");
      site.dmTable("0 32768 error", "load", "vm1");
      assertThat(site.refusal("volume resize", Map.of("volume", "vm1", "bytes", 24 << 20)))
          .as("somebody's table is not replaced")
          .contains("dm clear vm1 takes it away");
      site.dm("clear", "vm1");
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      assertThat(site.refusal("volume resize", forced))
          .isEqualTo("volume vm1 is a LUN of a target that has 1 session; log out there first");
      Initiator.await(host.session().logout(), 30);
      host.awaitClosed();
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
      assertThat(site.refusal("volume resize", forced))
          .isEqualTo("volume vm1 has snapshots (vm1@a); remove them first");
      site.ask("snapshot remove", Map.of("name", "vm1@a"));
      assertThat(
              site.refusal("volume resize", Map.of("volume", "vm1", "bytes", 4096, "force", true)))
          .contains("the configuration says a size of 8 MiB")
          .contains("lower it there first");
      assertThat(site.refusal("volume resize", Map.of("volume", "vm2", "bytes", 4096)))
          .isEqualTo("there is no volume vm2; there are: vm1");
      assertThat(site.anabranch(0, "volume", "resize", "vm1", "8", "MiB", "--force"))
          .isEqualTo("volume vm1: 16 MiB before, now 8 MiB\n");
      assertThat(folder.resolve("vm1.img")).hasSize(8 << 20);
      assertThat(site.anabranch(2, "volume", "resize", "vm1", "much"))
          .contains("not a size in whole sectors: much; such as 40 GiB");
      assertThat(Site.Host.logIn(initiator, server, TARGET).disk(0).bytes()).isEqualTo(8 << 20);
      site.anabranch(0, "dm", "load", "vm1", "--table", "0 16384 error");
      assertThat(site.refusal("volume resize", Map.of("volume", "vm1", "bytes", 16 << 20)))
          .contains("dm clear vm1 takes it away");
      assertThat(server.terminate()).isZero();
    }
  }
}
