// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A merge that a stop or a kill breaks off, and one that waits behind another. */
final class MergeLifeTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 64 MiB } }
      targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
      """;
  private static final int STEP = 64;
  private static final int BLOCKS = (64 << 20) / 512 / STEP;

  @TempDir private Path folder;

  /** One block in eight, scattered, so that a merge has something to do. */
  private static void write(Disk disk, int value) throws Exception {
    List<CompletableFuture<?>> writes = new ArrayList<>();
    for (int i = 0; i < BLOCKS; i++) {
      writes.add(disk.write((long) i * STEP, ByteBuffer.allocate(4096).putInt(0, value)));
      if (writes.size() == 32 || i == BLOCKS - 1) {
        for (CompletableFuture<?> each : writes) {
          Initiator.await(each, 30);
        }
        writes.clear();
      }
    }
  }

  private static void readsAs(Disk disk, int value) throws Exception {
    for (int i = 0; i < BLOCKS; i++) {
      ByteBuffer data = Initiator.await(disk.read((long) i * STEP, 8), 30).rewind();
      assertThat(data.getInt(0)).as("block %d", i).isEqualTo(value);
    }
  }

  private static void awaitNoSnapshot(Site site) throws Exception {
    Await.until(
        "no snapshot is left",
        () -> List.of().equals(site.ask("snapshot list", Map.of()).get("snapshots")));
  }

  @Test
  void aStopInTheMiddleIsCleanAndTheNextStartGoesOn() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator()) {
      try (ServerProcess server = site.serve(CONFIGURATION)) {
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        Disk disk = host.disk(0);
        write(disk, 1);
        site.ask("snapshot create", Map.of("volume", "vm1", "name", "a", "chunk-sectors", 8));
        write(disk, 2);
        site.ask("snapshot create", Map.of("volume", "vm1", "name", "b", "chunk-sectors", 8));
        write(disk, 3);
        site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true));
        site.ask("snapshot pause", Map.of("name", "vm1@a"));
        // Queued behind it, and still to be done under initiators after two restarts.
        assertThat(site.anabranch(0, "snapshot", "merge", "--now", "vm1@b"))
            .matches(
                "volume vm1 will be rolled back when no other rollback of it and no export of vm1@\\S+ runs\n");
        assertThat(site.ask("snapshot merge", Map.of("name", "vm1@b")))
            .containsEntry("phase", "queued");
        assertThat(Files.readString(folder.resolve("state/state.json")))
            .contains("\"phase\" : \"queued\"")
            .contains("\"version\" : 3");
        readsAs(disk, 1);
        site.ask("snapshot resume", Map.of("name", "vm1@a"));
        assertThat(server.terminate()).isZero();
        assertThat(server.errors()).doesNotContain("ERROR");
      }
      try (ServerProcess server = site.serve(CONFIGURATION)) {
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        awaitNoSnapshot(site);
        readsAs(host.disk(0), 2); // a, then b
        assertThat(folder.resolve("state/cow")).isEmptyDirectory();
        assertThat(server.terminate()).isZero();
        assertThat(server.errors()).doesNotContain("ERROR");
      }
    }
  }

  @Test
  void aPauseOutlivesAKill() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator()) {
      try (ServerProcess server = site.serve(CONFIGURATION)) {
        Disk disk = Site.Host.logIn(initiator, server, TARGET).disk(0);
        write(disk, 1);
        site.ask("snapshot create", Map.of("volume", "vm1", "name", "a", "chunk-sectors", 8));
        write(disk, 2);
        site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true));
        site.ask("snapshot pause", Map.of("name", "vm1@a"));
      } // killed
      try (ServerProcess server = site.serve(CONFIGURATION)) {
        Await.until(
            "the merge is paused, after the batch under way",
            () -> site.dm("message", "vm1", "0", "progress"),
            progress -> progress.startsWith("paused "));
        assertThat(site.ask("snapshot list", Map.of()).toString()).contains("phase=merging");
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        readsAs(host.disk(0), 1);
        site.ask("snapshot resume", Map.of("name", "vm1@a"));
        awaitNoSnapshot(site);
        readsAs(host.disk(0), 1);
        assertThat(server.terminate()).isZero();
        assertThat(server.errors()).doesNotContain("ERROR");
      }
    }
  }

  @Test
  void statusIsShownAgainAndAgain() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      String[] words = {"status", "--watch", "--socket", site.socket().toString()};
      Process watch =
          new ProcessBuilder(ServerProcess.command(folder, words))
              .redirectErrorStream(true)
              .start();
      try (BufferedReader lines = watch.inputReader()) {
        int shown = 0;
        while (shown < 3) {
          String line = String.valueOf(lines.readLine());
          assertThat(line).isNotEqualTo("null");
          shown += line.startsWith("anabranch ") ? 1 : 0;
        }
        assertThat(server.terminate()).isZero();
        String last = "";
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          last = line;
        }
        assertThat(last).startsWith("anabranch: no server has its control socket at ");
        assertThat(watch.waitFor()).isEqualTo(1);
      } finally {
        watch.destroyForcibly();
      }
    }
  }
}
