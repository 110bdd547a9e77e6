// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A file system that is really full: a small one in memory, below everything that the server
 * writes. Needs root, who may mount it.
 */
final class FullDiskTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String LUNS =
      "targets { \"" + TARGET + "\" { luns { 0 = vm1, 1 = \"vm1@before\" } } }\n";
  private static final int MIB = 1 << 20;
  private static final int BLOCKS_PER_MIB = MIB / 512;

  private final Path folder;
  private final Site site;
  private @Nullable Path mounted;

  FullDiskTest(@TempDir Path folder) {
    this.folder = folder;
    site = new Site(folder);
  }

  private Path mount(String name) throws Exception {
    Path disk = Files.createDirectory(folder.resolve(name));
    Tools.Result mount =
        Tools.run(10, "mount", "-t", "tmpfs", "-o", "size=16m", "anabranch", disk.toString());
    if (mount.status() != 0) {
      // Not even where tools are required: containers forbid it, and there is no tool to install.
      abort("no file system can be mounted: " + mount.output().strip());
    }
    mounted = disk;
    return disk;
  }

  @AfterEach
  void unmount() throws Exception {
    if (mounted != null) {
      Tools.run(10, "umount", mounted.toString()).expect(0);
    }
  }

  private static ByteBuffer filled(int value) {
    ByteBuffer data = ByteBuffer.allocate(MIB);
    while (data.hasRemaining()) {
      data.putInt(value);
    }
    return data.flip();
  }

  private static void write(Disk lun, int mib, int value) throws Exception {
    Initiator.await(lun.write((long) mib * BLOCKS_PER_MIB, filled(value)), 30);
  }

  private static ByteBuffer read(Disk lun, int mib) throws Exception {
    return Initiator.await(lun.read((long) mib * BLOCKS_PER_MIB, BLOCKS_PER_MIB), 30).rewind();
  }

  /** Takes what is left of the file system, to the last byte. */
  private static Path ballast(Path disk) throws IOException {
    Path ballast = disk.resolve("ballast");
    byte[] page = new byte[4096];
    try (var out = Files.newOutputStream(ballast)) {
      while (true) {
        out.write(page);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
    return ballast;
  }

  @Test
  void aThinVolumeRefusesWhatItHasNoRoomForAndGoesOn() throws Exception {
    mount("disk");
    String text = "volumes { vm1 { path = disk/vm1.img, size = 64 MiB } }\n" + LUNS;
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(text)) {
      Disk lun = Site.Host.logIn(initiator, server, TARGET).disk(0);
      int fit = 0;
      Exception full = null;
      while (full == null) {
        try {
          write(lun, fit, fit + 1);
          fit++;
        } catch (IOException e) {
          full = e;
        }
      }
      assertThat(fit).isBetween(10, 16);
      assertThat(full).hasMessageContaining("DATA PROTECT").hasMessageContaining("27/07");
      for (int mib = 0; mib < fit; mib++) {
        assertThat(read(lun, mib)).as("MiB %d", mib).isEqualTo(filled(mib + 1));
      }
      write(lun, 0, 99); // what has room keeps it
      Initiator.await(lun.unmap(BLOCKS_PER_MIB, 2 * BLOCKS_PER_MIB), 30);
      write(lun, 40, 40);
      assertThat(read(lun, 0)).isEqualTo(filled(99));
      assertThat(read(lun, 40)).isEqualTo(filled(40));
      Initiator.await(lun.flush(), 30);
      assertThat(server.errors().lines().filter(line -> line.contains("No space left")))
          .as("told once for each write that failed")
          .hasSize(1);
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void aStoreThatCannotGrowCostsItsSnapshotAndNothingElse() throws Exception {
    Path disk = mount("state");
    String text = "volumes { vm1 { path = vm1.img, size = 32 MiB } }\n" + LUNS;
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(text)) {
      Disk lun = Site.Host.logIn(initiator, server, TARGET).disk(0);
      for (int mib = 0; mib < 32; mib++) {
        write(lun, mib, mib + 1);
      }
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "before", "chunk-sectors", 128));
      for (int mib = 0; mib < 32; mib++) {
        write(lun, mib, mib + 100);
      }
      assertThat(site.dm("status", "vm1@before")).endsWith(" Invalid\n");
      for (int mib = 0; mib < 32; mib++) {
        assertThat(read(lun, mib)).as("MiB %d", mib).isEqualTo(filled(mib + 100));
      }
      Path ballast = ballast(disk);
      assertThat(
              site.refusal(
                  "snapshot create",
                  Map.of("volume", "vm1", "name", "another", "chunk-sectors", 128)))
          .contains("No space left");
      assertThat(names()).containsExactly("vm1@before");
      // What would make room needs none.
      site.ask("snapshot remove", Map.of("name", "vm1@before", "force", true));
      assertThat(names()).isEmpty();
      Files.delete(ballast);
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "before", "chunk-sectors", 128));
      write(lun, 0, 1000);
      assertThat(site.dm("status", "vm1@before")).doesNotContain("Invalid");
      assertThat(server.terminate()).isZero();
    }
  }

  /** Each run that fails says why; the first one that has room again is as good as any. */
  @Test
  void aScheduleReportsAFullDiskAndGoesOnWhenThereIsRoom() throws Exception {
    Path disk = mount("state");
    String text =
        "volumes { vm1 { path = vm1.img, size = 4 MiB } }\n"
            + "snapshots { seldom { volumes = [vm1], every = 366 d, keep = 2, chunk-size = 64 KiB } }\n"
            + LUNS;
    try (ServerProcess server = site.serve(text)) {
      site.ask("schedule run", Map.of("name", "seldom"));
      String first = names().getFirst();
      Path ballast = ballast(disk);
      for (int i = 0; i < 2; i++) {
        assertThat(site.refusal("schedule run", Map.of("name", "seldom")))
            .contains("no snapshot was taken", "No space left");
      }
      assertThat(names()).containsExactly(first);
      assertThat(String.valueOf(site.ask("status", Map.of()).get("schedules")))
          .contains("last-result=failed", "No space left");
      assertThat(String.valueOf(site.ask("status", Map.of()).get("warnings")))
          .contains("schedule seldom", "no snapshot was taken", "it is tried again at");
      // A pause can be written down: there is room kept for that.
      site.ask("schedule pause", Map.of("name", "seldom"));
      Files.delete(ballast);
      site.ask("schedule resume", Map.of("name", "seldom"));
      site.ask("schedule run", Map.of("name", "seldom"));
      assertThat(names()).hasSize(2).contains(first);
      assertThat(String.valueOf(site.ask("status", Map.of()).get("warnings")))
          .doesNotContain("schedule");
      assertThat(server.terminate()).isZero();
    }
    assertThat(Files.readString(disk.resolve("schedules.json"))).contains("\"result\":\"done\"");
  }

  /** A store that fills up costs the one snapshot; the schedule goes on, and removes it in turn. */
  @Test
  void aScheduledSnapshotWhoseStoreIsFullIsRemovedInItsTurn() throws Exception {
    String text =
        "volumes { vm1 { path = vm1.img, size = 4 MiB } }\n"
            + "stores.autoextend.enabled = false\n"
            + "snapshots { seldom { volumes = [vm1], every = 366 d, keep = 2, size = 1 MiB, chunk-size = 64 KiB } }\n"
            + LUNS;
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(text)) {
      Disk lun = Site.Host.logIn(initiator, server, TARGET).disk(0);
      site.ask("schedule run", Map.of("name", "seldom"));
      String full = names().getFirst();
      for (int mib = 0; mib < 4; mib++) {
        write(lun, mib, mib + 1);
      }
      assertThat(site.dm("status", full)).endsWith(" Invalid\n");
      site.ask("schedule run", Map.of("name", "seldom"));
      assertThat(names()).hasSize(2).contains(full);
      write(lun, 0, 7);
      site.ask("schedule run", Map.of("name", "seldom"));
      assertThat(names()).hasSize(2).doesNotContain(full);
      assertThat(server.terminate()).isZero();
    }
  }

  private List<String> names() throws Exception {
    return ((List<?>) Objects.requireNonNull(site.ask("snapshot list", Map.of()).get("snapshots")))
        .stream().map(each -> String.valueOf(((Map<?, ?>) each).get("name"))).toList();
  }
}
