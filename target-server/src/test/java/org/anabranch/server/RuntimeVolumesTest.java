// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.serve.Server;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.volumes.NewVolume;
import org.anabranch.server.volumes.VolumeCopy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Volumes and LUNs that are made while the server runs. */
final class RuntimeVolumesTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String REPORTED_LUNS_DATA_HAS_CHANGED = "3f/0e";
  private static final int MIB = 1 << 20;
  private static final String CONFIGURATION =
      """
      volumes { a { path = a.img, size = 4 MiB } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = a } } }
      """;

  @TempDir private Path folder;

  private static String wwid(Disk disk) throws Exception {
    ByteBuffer page = Initiator.await(disk.inquiry(0x83), 30);
    byte[] bytes = new byte[page.remaining()];
    page.get(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private static int get(Disk disk) throws Exception {
    return Initiator.await(disk.read(0, 8), 30).getInt(0);
  }

  private static void put(Disk disk, int value) throws Exception {
    Initiator.await(disk.write(0, ByteBuffer.allocate(4096).putInt(0, value)), 30);
  }

  private List<String> images() {
    String[] names = folder.resolve("state/images").toFile().list();
    return names == null ? List.of() : Stream.of(names).sorted().toList();
  }

  @Test
  void aVolumeIsMadeShownKeptOverARestartAndRemoved() throws Exception {
    Site site = new Site(folder);
    String shown;
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Path image = folder.resolve("state/images/b.img");
      assertThat(site.anabranch(0, "volume", "create", "b", "--size", "8MiB"))
          .isEqualTo("volume b made, with " + image.toRealPath() + "\n");
      assertThat(image).hasSize(8 * MIB);
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(image)))
          .isEqualTo("rw-------");
      assertThat(host.luns()).containsExactly(0);
      assertThat(site.anabranch(0, "lun", "add", TARGET, "3", "b"))
          .isEqualTo("LUN 3 of " + TARGET + " is b now\n");
      assertThat(get(host.disk(0))).isZero();
      assertThat(host.heard()).contains(REPORTED_LUNS_DATA_HAS_CHANGED);
      assertThat(host.luns()).containsExactly(0, 3);
      put(host.disk(3), 5);
      shown = wwid(host.disk(3));
      assertThat(wwid(host.disk(0))).isNotEqualTo(shown);
      assertThat(site.anabranch(1, "volume", "remove", "b"))
          .contains("it is LUN 3 of target " + TARGET + ": anabranch lun remove " + TARGET + " 3");
      assertThat(site.anabranch(1, "lun", "remove", TARGET, "3"))
          .contains("LUN 3 (b) is in use by", "--force");
      assertThat(site.anabranch(1, "lun", "remove", TARGET, "0"))
          .contains("LUN 0 is in the configuration");
      assertThat(site.anabranch(0, "lun", "list"))
          .containsPattern(TARGET + " +0 +a +rw +configuration")
          .containsPattern(TARGET + " +3 +b +rw +lun add");
      assertThat(server.terminate()).isZero();
    }
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      assertThat(host.luns()).containsExactly(0, 3);
      assertThat(get(host.disk(3))).isEqualTo(5);
      assertThat(wwid(host.disk(3))).isEqualTo(shown);
      assertThat(site.anabranch(0, "reload")).doesNotContain("removed");
      assertThat(host.luns()).containsExactly(0, 3);
      site.anabranch(0, "snapshot", "create", "b@s");
      site.anabranch(0, "lun", "remove", TARGET, "3", "--force");
      assertThat(host.luns()).containsExactly(0);
      assertThat(site.anabranch(1, "volume", "remove", "b")).contains("it has snapshots (b@s)");
      site.anabranch(0, "snapshot", "remove", "b@s");
      site.dmTable("0 8 linear b 0", "create", "above");
      assertThat(site.anabranch(1, "volume", "remove", "b")).contains("it is below above");
      site.dm("remove", "above");
      assertThat(site.anabranch(0, "volume", "remove", "b")).contains("images/b.img stays");
      assertThat(images()).containsExactly("b.img");
      assertThat(site.anabranch(1, "volume", "create", "b", "--size", "8MiB")).contains("exists");
      // It comes back as the disk that it was.
      String path = folder.resolve("state/images/b.img").toString();
      site.anabranch(0, "volume", "create", "c", "--path", path);
      site.anabranch(0, "lun", "add", TARGET, "1", "c", "--read-only");
      assertThat(get(host.disk(1))).isEqualTo(5);
      assertThat(wwid(host.disk(1))).isEqualTo(shown);
      site.anabranch(0, "lun", "remove", TARGET, "1", "--force");
      assertThat(site.anabranch(0, "volume", "remove", "c", "--delete-image"))
          .contains("images/b.img is deleted");
      assertThat(images()).isEmpty();
      // Another one of that name is another disk.
      site.anabranch(0, "volume", "create", "c", "--size", "1MiB", "--block-size", "4096");
      site.anabranch(0, "lun", "add", TARGET, "1", "c");
      assertThat(wwid(host.disk(1))).isNotEqualTo(shown);
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
  }

  @Test
  void aCopyOfASnapshotHasWhatItHasAndHolesStayHoles() throws Exception {
    Site site = new Site(folder);
    String big = CONFIGURATION.replace("4 MiB", "256 MiB");
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(big)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      put(host.disk(0), 1);
      site.anabranch(0, "snapshot", "create", "a@s");
      put(host.disk(0), 2);
      assertThat(site.anabranch(1, "volume", "create", "b", "--from", "a"))
          .contains("take a snapshot", "--from a@NAME");
      assertThat(site.anabranch(0, "volume", "create", "b", "--from", "a@s", "--wait"))
          .contains("volume b made");
      site.anabranch(0, "lun", "add", TARGET, "1", "b");
      assertThat(get(host.disk(1))).isEqualTo(1);
      Path image = folder.resolve("state/images/b.img");
      assertThat(image).hasSize(256 * MIB);
      long taken = blocks(image);
      assertThat(taken).isLessThan(MIB);
      // What is copied stays until it is whole; what is cancelled leaves nothing.
      site.anabranch(0, "volume", "create", "c", "--from", "a@s");
      Map<String, Object> removed =
          site.ask("volume remove", Map.of("volume", "c", "delete-image", true));
      assertThat(removed).containsEntry("image-deleted", true);
      assertThat(images()).containsExactly("b.img");
      assertThat(site.anabranch(1, "volume", "create", "d", "--from", "a@t")).contains("a@t");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
  }

  private static long blocks(Path image) throws Exception {
    Process du = new ProcessBuilder("du", "-B1", image.toString()).start();
    String text =
        new String(du.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    assertThat(du.waitFor()).isZero();
    return Long.parseLong(text.split("\t", -1)[0]);
  }

  @Test
  void aVolumeOfAnotherNameIsTheSameDiskUnderItsInitiators() throws Exception {
    Site site = new Site(folder);
    String volume;
    String snapshot;
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      site.anabranch(0, "volume", "create", "b", "--size", "8MiB");
      site.anabranch(0, "lun", "add", TARGET, "1", "b");
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      put(host.disk(1), 1);
      site.anabranch(0, "snapshot", "create", "b@s", "--read-only");
      site.anabranch(0, "lun", "add", TARGET, "2", "b@s");
      put(host.disk(1), 2);
      site.dmTable("0 8 linear b 0", "create", "above");
      volume = wwid(host.disk(1));
      snapshot = wwid(host.disk(2));
      List<String> before = host.heard();
      assertThat(site.anabranch(0, "volume", "rename", "b", "web"))
          .isEqualTo("volume b is web now\n");
      assertThat(host.luns()).containsExactly(0, 1, 2);
      assertThat(get(host.disk(1))).isEqualTo(2);
      assertThat(get(host.disk(2))).isEqualTo(1);
      assertThat(host.heard()).isEqualTo(before);
      assertThat(site.anabranch(0, "snapshot", "list"))
          .contains("web@s")
          .doesNotContainPattern("(?m)^b@s");
      // The old name is free.
      site.anabranch(
          0,
          "volume",
          "create",
          "b",
          "--size",
          "1MiB",
          "--path",
          folder.resolve("b2.img").toString());
      site.anabranch(0, "lun", "add", TARGET, "3", "b");
      assertThat(wwid(host.disk(3))).isNotEqualTo(volume);
      assertThat(site.anabranch(1, "volume", "rename", "a", "x"))
          .contains("is in the configuration");
      assertThat(site.anabranch(1, "volume", "rename", "b", "web")).contains("exists");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      assertThat(host.luns()).containsExactly(0, 1, 2, 3);
      assertThat(wwid(host.disk(1))).isEqualTo(volume);
      assertThat(wwid(host.disk(2))).isEqualTo(snapshot);
      assertThat(get(host.disk(1))).isEqualTo(2);
      assertThat(get(host.disk(2))).isEqualTo(1);
      site.anabranch(0, "snapshot", "merge", "web@s", "--now", "--wait");
      assertThat(get(host.disk(1))).isEqualTo(1);
      assertThat(site.dm("table", "above")).contains("linear");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
  }

  @Test
  void theConfigurationFileWins() throws Exception {
    Site site = new Site(folder);
    String both =
        """
        volumes { a { path = a.img, size = 4 MiB }, b { path = other.img, size = 1 MiB } }
        targets { "iqn.2026-11.org.example:t" { luns { 0 = a, 1 = a } } }
        """;
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.anabranch(0, "volume", "create", "b", "--size", "8MiB");
      site.anabranch(0, "volume", "create", "c", "--size", "8MiB");
      site.anabranch(0, "lun", "add", TARGET, "1", "c");
      site.configure(both);
      assertThat(site.anabranch(1, "reload")).contains("volumes.b: path cannot change");
      site.configure(
          "volumes {}\n"
              + CONFIGURATION.replace("example:t", "example:u").replace("volumes", "volumes "));
      assertThat(site.anabranch(0, "reload")).contains("target " + TARGET + " removed");
      assertThat(site.anabranch(0, "status"))
          .contains("it is not configured any more", "anabranch lun remove " + TARGET + " 1");
      assertThat(server.terminate()).isZero();
    }
    try (ServerProcess server = site.serve(both)) {
      assertThat(site.anabranch(0, "status"))
          .contains(
              "volume b: the configuration has it, too, with "
                  + folder.resolve("other.img").toRealPath(),
              "LUN 1 (c), added at run time, has no effect: the configuration has a there");
      assertThat(site.anabranch(0, "volume", "list")).contains("other.img").doesNotContain("b.img");
      assertThat(site.check(0)).contains("warning: volume b: the configuration has it, too");
      assertThat(site.anabranch(1, "volume", "remove", "b", "--delete-image"))
          .contains("is in the configuration now");
      assertThat(site.anabranch(0, "volume", "remove", "b")).contains("images/b.img stays");
      site.anabranch(0, "lun", "remove", TARGET, "1");
      assertThat(site.anabranch(0, "status"))
          .doesNotContain("WARNING: volume b")
          .doesNotContain("LUN 1 (c)");
      assertThat(site.anabranch(0, "volume", "list")).contains("other.img");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
  }

  /** What is there: the volumes, the images, the LUNs. */
  private static Set<String> things(Path world, Server server) {
    Set<String> things = new TreeSet<>(server.configuration().volumes().keySet());
    String[] images = world.resolve("state/images").toFile().list();
    things.addAll(images == null ? List.of() : List.of(images));
    server
        .configuration()
        .targets()
        .values()
        .forEach(target ->
            target.luns().values().forEach(lun -> things.add(lun.number() + "=" + lun.device())));
    server.snapshots().list(null).forEach(each -> things.add(each.device()));
    return things;
  }

  private interface Change {
    void on(Server server) throws Exception;
  }

  /** A crash after any step of a change leaves what was before, or what is afterwards. */
  private void crashes(String name, Change before, Change change) throws Exception {
    Path base = Files.createDirectory(folder.resolve(name));
    List<Path> worlds = new ArrayList<>();
    AtomicBoolean recording = new AtomicBoolean();
    DurableSteps steps =
        step -> {
          if (recording.get()) {
            worlds.add(
                FolderCopy.of(base, folder.resolve(name + " " + worlds.size() + " " + step)));
          }
        };
    Set<String> old;
    Set<String> now;
    try (Server server = start(base, steps)) {
      before.on(server);
      old = things(base, server);
      recording.set(true);
      change.on(server);
      recording.set(false);
      now = things(base, server);
    }
    assertThat(now).isNotEqualTo(old);
    int unchanged = 0;
    for (Path world : worlds) {
      try (Server server = start(world, DurableSteps.UNWATCHED)) {
        Set<String> there = things(world, server);
        assertThat(there).as(world.toString()).isIn(old, now);
        assertThat(server.warnings()).as(world.toString()).isEmpty();
        unchanged += there.equals(old) ? 1 : 0;
      }
    }
    assertThat(unchanged).as(worlds.toString()).isBetween(1, worlds.size() - 1);
  }

  private static NewVolume empty(String name) {
    return NewVolume.empty(name, MIB, null);
  }

  @Test
  void aCrashWhileAVolumeIsMadeLeavesAllOrNothing() throws Exception {
    crashes(
        "create", server -> {}, server -> assertThat(server.volumes().create(empty("b"))).isNull());
  }

  @Test
  void aCrashWhileASnapshotIsCopiedLeavesAllOrNothing() throws Exception {
    crashes(
        "copy",
        server -> server.snapshots().create("a", "s", 8, 0, false),
        server -> {
          VolumeCopy copy = server.volumes().create(NewVolume.copyOf("a@s", "b"));
          Objects.requireNonNull(copy).await(state -> {});
        });
  }

  @Test
  void aCrashWhileAVolumeIsRemovedLeavesAllOrNothing() throws Exception {
    crashes(
        "remove",
        server -> server.volumes().create(empty("b")),
        server -> server.volumes().remove("b", true));
  }

  @Test
  void aCrashWhileAVolumeIsRenamedLeavesOneName() throws Exception {
    crashes(
        "rename",
        server -> {
          server.volumes().create(empty("b"));
          server.snapshots().create("b", "s", 8, 0, false);
          server.luns().add(TARGET, 1, "b", false);
        },
        server -> server.volumes().rename("b", "c"));
  }

  @Test
  void aCrashWhileALunIsAddedLeavesItOrNot() throws Exception {
    crashes(
        "lun",
        server -> server.volumes().create(empty("b")),
        server -> server.luns().add(TARGET, 1, "b", true));
  }

  private static Server start(Path at, DurableSteps steps) throws Exception {
    Configuration configuration =
        ConfigurationFile.parse(
            "test",
            "anabranch { portals = [\"127.0.0.1:0\"], state-dir = state\n" + CONFIGURATION + "}",
            at);
    return Server.start(configuration, () -> configuration, steps);
  }

  /** While the state file cannot be written: what is left then goes with the next attempt. */
  @Test
  void aVolumeThatCouldNotBeMadeOrUndoneCanBeCreatedAgain() throws Exception {
    Path inTheWay = folder.resolve("state/state.json.new");
    AtomicBoolean fails = new AtomicBoolean(true);
    DurableSteps steps =
        step -> {
          if (step.equals("image begun") && fails.get()) {
            try {
              if (!Files.isDirectory(inTheWay)) {
                Files.deleteIfExists(inTheWay);
                Files.createDirectories(inTheWay.resolve("not empty"));
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    try (Server server = start(folder, steps)) {
      server.snapshots().create("a", "s", 8, 0, false);
      VolumeCopy copy =
          Objects.requireNonNull(server.volumes().create(NewVolume.copyOf("a@s", "b")));
      assertThatThrownBy(() -> copy.await(state -> {})).isInstanceOf(RefusedException.class);
      fails.set(false);
      Files.delete(inTheWay.resolve("not empty"));
      Files.delete(inTheWay);
      Objects.requireNonNull(server.volumes().create(NewVolume.copyOf("a@s", "b")))
          .await(state -> {});
      server.volumes().create(empty("c"));
      assertThat(images()).containsExactly("b.img", "c.img");
      assertThat(server.warnings()).isEmpty();
    }
  }

  @Test
  void aCopyThatFailsLeavesNothingAndIsReported() throws Exception {
    Path image = folder.resolve("state/images/b.img");
    DurableSteps steps =
        step -> {
          if (step.equals("image begun")) {
            try {
              Files.writeString(image, "somebody's");
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    try (Server server = start(folder, steps)) {
      server.snapshots().create("a", "s", 8, 0, false);
      VolumeCopy copy =
          Objects.requireNonNull(server.volumes().create(NewVolume.copyOf("a@s", "b")));
      assertThatThrownBy(() -> copy.await(state -> {}))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("b.img exists now");
      assertThat(images()).containsExactly("b.img");
      assertThat(image).hasContent("somebody's");
      assertThat(server.warnings().toString()).contains("volume b: it could not be made");
      server.volumes().remove("b", false);
      assertThat(server.warnings()).isEmpty();
    }
  }
}
