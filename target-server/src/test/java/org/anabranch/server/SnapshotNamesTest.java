// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.serve.Server;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.SnapshotState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names and descriptions of snapshots that change. */
final class SnapshotNamesTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      """
      volumes { a { path = a.img, size = 1 MiB } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = a, 1 = "a@old", 2 = "a@new" } } }
      """;

  @TempDir private Path folder;

  /** The page of INQUIRY that names the disk. */
  private static String wwid(Disk disk) throws Exception {
    ByteBuffer page = Initiator.await(disk.inquiry(0x83), 30);
    byte[] bytes = new byte[page.remaining()];
    page.get(bytes);
    return java.util.HexFormat.of().formatHex(bytes);
  }

  private static int get(Disk disk) throws Exception {
    return Initiator.await(disk.read(0, 8), 30).getInt(0);
  }

  private static void put(Disk disk, int value) throws Exception {
    Initiator.await(disk.write(0, ByteBuffer.allocate(4096).putInt(0, value)), 30);
  }

  @Test
  void aSnapshotUnderAnotherNameIsTheSameDisk() throws Exception {
    Site site = new Site(folder);
    String shown;
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.anabranch(0, "snapshot", "create", "a@old", "--description", "before the upgrade");
      assertThat(site.anabranch(0, "snapshot", "list")).contains("before the upgrade");
      try (Initiator initiator = new Initiator()) {
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        put(host.disk(0), 7);
        shown = wwid(host.disk(1));
        assertThat(
                site.refusal(
                    "snapshot rename", Map.of("name", "a@old", "new-name", "new", "force", false)))
            .contains("is a LUN of a target that has 1 session", "--force");
        assertThat(site.anabranch(0, "snapshot", "rename", "a@old", "new", "--force"))
            .isEqualTo("snapshot a@old is a@new now\n");
        assertThat(host.luns()).containsExactly(0, 2);
        assertThat(wwid(host.disk(2))).isEqualTo(shown);
        assertThat(get(host.disk(2))).isZero();
        // The old name is free, and belongs to another disk.
        site.anabranch(0, "snapshot", "create", "a@old");
        assertThat(get(host.disk(1))).isEqualTo(7);
        assertThat(wwid(host.disk(1))).isNotEqualTo(shown);
      }
      assertThat(site.anabranch(0, "snapshot", "describe", "a@new", "known good"))
          .isEqualTo("snapshot a@new described\n");
      assertThat(server.terminate()).isZero();
    }
    try (ServerProcess server = site.serve(CONFIGURATION);
        Initiator initiator = new Initiator()) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      assertThat(wwid(host.disk(2))).isEqualTo(shown);
      assertThat(wwid(host.disk(1))).isNotEqualTo(shown);
      assertThat(get(host.disk(2))).isZero();
      assertThat(get(host.disk(1))).isEqualTo(7);
      assertThat(site.anabranch(0, "snapshot", "list")).contains("known good");
      Initiator.await(host.session().logout(), 30);
      host.awaitClosed();
      site.anabranch(0, "snapshot", "merge", "a@new", "--wait");
      site.anabranch(0, "snapshot", "remove", "a@old");
      assertThat(folder.resolve("state/cow")).isEmptyDirectory();
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
  }

  @Test
  void whatCannotBeIsRefused() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.ask("snapshot create", Map.of("names", List.of("a@x")));
      site.ask("snapshot create", Map.of("names", List.of("a@y")));
      assertThat(rename(site, "a@x", "y")).contains("snapshot a@y exists");
      assertThat(rename(site, "a@z", "w")).contains("snapshot a@z");
      assertThat(rename(site, "a@x", "b@w")).contains("not a snapshot's name");
      site.dmTable("0 2048 linear a@x 0", "create", "above");
      assertThat(rename(site, "a@x", "w")).contains("is part of above");
      site.dm("remove", "above");
      site.dm("suspend", "a");
      site.dm("resume", "a");
      assertThat(
              site.refusal("snapshot describe", Map.of("name", "a@x", "description", "two\nlines")))
          .contains("one line");
      assertThat(
              site.refusal(
                  "snapshot describe", Map.of("name", "a@x", "description", "x".repeat(256))))
          .contains("at most 255");
      assertThat(server.terminate()).isZero();
    }
  }

  private static String rename(Site site, String name, String newName) {
    return site.refusal(
        "snapshot rename", Map.of("name", name, "new-name", newName, "force", false));
  }

  /** A crash after any step that changes what it would leave. */
  @Test
  void aCrashLeavesTheOldNameOrTheNewOne() throws Exception {
    Path base = Files.createDirectory(folder.resolve("base"));
    List<Path> worlds = new ArrayList<>();
    AtomicBoolean recording = new AtomicBoolean();
    DurableSteps steps =
        step -> {
          if (recording.get()) {
            worlds.add(FolderCopy.of(base, folder.resolve("world " + worlds.size() + " " + step)));
          }
        };
    try (Server server = start(base, steps)) {
      server.snapshots().create("a", "old", 8, 0, false);
      recording.set(true);
      server.snapshots().rename("a@old", "new", false);
      recording.set(false);
    }
    int old = 0;
    for (Path world : worlds) {
      try (Server server = start(world, DurableSteps.UNWATCHED)) {
        List<String> there =
            server.snapshots().list(null).stream().map(SnapshotState::device).toList();
        assertThat(there).as(world.toString()).isIn(List.of("a@old"), List.of("a@new"));
        assertThat(server.warnings()).isEmpty();
        old += there.contains("a@old") ? 1 : 0;
        server.snapshots().remove(there.getFirst(), false);
        assertThat(world.resolve("state/cow")).isEmptyDirectory();
      }
    }
    assertThat(old).isBetween(1, worlds.size() - 1);
  }

  private static Server start(Path at, DurableSteps steps) throws Exception {
    Configuration configuration =
        ConfigurationFile.parse(
            "test",
            "anabranch { portals = [\"127.0.0.1:0\"], state-dir = state\n" + CONFIGURATION + "}",
            at);
    return Server.start(configuration, () -> configuration, steps);
  }
}
