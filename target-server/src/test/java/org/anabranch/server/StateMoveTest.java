// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import org.anabranch.block.testing.TakesLong;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The state directory of a server moves, is backed up, and is restored. */
@TakesLong
final class StateMoveTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      """
      state-dir = STATE
      volumes { a { path = "STATE/../a.img", size = 16 MiB } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = a, 1 = "a@keep" } } }
      """;

  @TempDir private Path folder;

  private static int get(Disk disk) throws Exception {
    return Initiator.await(disk.read(0, 8), 30).getInt(0);
  }

  private static void put(Disk disk, int value) throws Exception {
    for (int at = 0; at < 16 << 11; at += 128) {
      Initiator.await(disk.write(at, ByteBuffer.allocate(4096).putInt(0, value)), 30);
    }
  }

  private static String configuration(Path state) {
    return CONFIGURATION.replace("STATE", state.toString());
  }

  private static String anabranch(Path state, int status, String... words) {
    String[] line = java.util.Arrays.copyOf(words, words.length + 2);
    line[words.length] = "--socket";
    line[words.length + 1] = state.resolve("control.sock").toString();
    return CommandRun.of(line).expect(status).all();
  }

  /** A server with a snapshot, one that is being merged, a device, a volume and LUNs of its own. */
  private void fill(Site site, Path state) throws Exception {
    fill(site, state, configuration(state));
  }

  private void fill(Site site, Path state, String text) throws Exception {
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(text)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      put(host.disk(0), 1);
      anabranch(state, 0, "snapshot", "create", "a@keep", "--description", "the first");
      put(host.disk(0), 2);
      anabranch(state, 0, "volume", "create", "b", "--size", "16MiB");
      anabranch(state, 0, "lun", "add", TARGET, "2", "b");
      put(host.disk(2), 3);
      anabranch(state, 0, "snapshot", "create", "b@s");
      put(host.disk(2), 4);
      anabranch(
          state, 0, "dm", "create", "d", "--table", "0 8 linear " + state + "/images/b.img 0");
      anabranch(state, 0, "snapshot", "merge", "b@s", "--now", "--throttle", "100kB/s");
      assertThat(anabranch(state, 0, "snapshot", "list")).contains("rolling back");
      assertThat(server.terminate()).isZero();
    }
  }

  /** All of that, and the merge ends. */
  private void allThere(Site site, Path state) throws Exception {
    allThere(site, state, configuration(state));
  }

  private void allThere(Site site, Path state, String text) throws Exception {
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(text)) {
      assertThat(anabranch(state, 0, "status")).doesNotContain("WARNING: volume");
      assertThat(anabranch(state, 0, "snapshot", "list")).contains("the first", "rolling back");
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      assertThat(host.luns()).containsExactly(0, 1, 2);
      assertThat(get(host.disk(0))).isEqualTo(2);
      assertThat(get(host.disk(1))).isEqualTo(1);
      assertThat(get(host.disk(2))).isEqualTo(3);
      assertThat(anabranch(state, 0, "dm", "table", "d"))
          .contains((state + "/images/b.img").replace(" ", "\\ "));
      anabranch(state, 0, "snapshot", "merge", "b@s", "--throttle", "none", "--wait");
      assertThat(get(host.disk(2))).isEqualTo(3);
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
  }

  @Test
  void theFolderMovesAndEverythingIsThere() throws Exception {
    Site site = new Site(folder);
    Path before = Files.createDirectory(folder.resolve("before"));
    fill(site, before.resolve("state"));
    Path after = folder.resolve("after it moved");
    Files.move(before, after);
    allThere(site, after.resolve("state"));
    assertThat(Files.readString(after.resolve("state/state.json"))).doesNotContain("before/state");
  }

  /**
   * What was tried in a checkout, by relative paths, is used under the package's paths, and in the
   * checkout again. At each place the state is backed up, lost and restored. The merge goes on.
   */
  @Test
  void theStateOfACheckoutIsUsedUnderThePackagesPathAndBack() throws Exception {
    Path checkout = Files.createDirectory(folder.resolve("checkout"));
    Path tried = checkout.resolve("anabranch-data");
    String relative =
        """
        state-dir = anabranch-data
        volumes { a { path = a.img, size = 16 MiB } }
        targets { "iqn.2026-11.org.example:t" { luns { 0 = a, 1 = "a@keep" } } }
        """;
    Site site = new Site(checkout);
    fill(site, tried, relative);

    Path etc = Files.createDirectories(folder.resolve("etc/anabranch"));
    Path srv = Files.createDirectories(folder.resolve("srv"));
    Path state = Files.createDirectories(folder.resolve("var/lib")).resolve("anabranch");
    Files.move(tried, state);
    Files.move(checkout.resolve("a.img"), srv.resolve("a.img"));
    String absolute =
        relative
            .replace("anabranch-data", state.toString())
            .replace("path = a.img", "path = \"" + srv.resolve("a.img") + "\"");
    lostAndRestored(state);
    try (Initiator initiator = new Initiator();
        ServerProcess server = new Site(etc).serve(absolute)) {
      assertThat(anabranch(state, 0, "status")).doesNotContain("WARNING: volume");
      assertThat(anabranch(state, 0, "snapshot", "list")).contains("the first", "rolling back");
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      assertThat(host.luns()).containsExactly(0, 1, 2);
      assertThat(get(host.disk(0))).isEqualTo(2);
      assertThat(get(host.disk(1))).isEqualTo(1);
      assertThat(get(host.disk(2))).isEqualTo(3);
      anabranch(state, 0, "snapshot", "create", "a@packaged");
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
    assertThat(Files.readString(state.resolve("state.json")))
        .doesNotContain("checkout/anabranch-data");

    Files.move(state, tried);
    Files.move(srv.resolve("a.img"), checkout.resolve("a.img"));
    lostAndRestored(tried);
    allThere(site, tried, relative);
    assertThat(Files.readString(tried.resolve("state.json"))).doesNotContain("var/lib");
    assertThat(Files.readString(tried.resolve("state.json"))).contains("packaged");
  }

  /** A backup is made, the files that it has are deleted, and it is restored. No server runs. */
  private void lostAndRestored(Path state) throws Exception {
    Path backup = folder.resolve("backup of " + state.getFileName());
    assertThat(anabranch(state, 0, "state", "backup", backup.toString())).contains("backed up to");
    for (String name : List.of("state.json", "identities", "ports", "server-id", "uses.json")) {
      Files.delete(state.resolve(name));
    }
    deleteAll(state.resolve("volumes"));
    assertThat(anabranch(state, 0, "state", "restore", backup.toString()))
        .contains("restored from");
  }

  @Test
  void aBackupOfARunningServerIsRestored() throws Exception {
    Site site = new Site(folder);
    Path state = folder.resolve("state");
    Path backup = folder.resolve("backup");
    fill(site, state);
    String file = backup.toString();
    try (ServerProcess server = site.serve(configuration(state))) {
      assertThat(anabranch(state, 0, "state", "backup", file)).contains("backed up to");
      assertThat(anabranch(state, 1, "state", "backup", file)).contains("exists");
      assertThat(anabranch(state, 1, "state", "restore", file))
          .contains("in use by another server");
      assertThat(server.terminate()).isZero();
    }
    String offline = folder.resolve("offline").toString();
    assertThat(anabranch(state, 0, "state", "backup", offline)).contains("backed up to");
    assertThat(anabranch(state, 1, "state", "restore", file)).contains("--force replaces it");

    String good = Files.readString(backup);
    Files.writeString(folder.resolve("cut"), good.substring(0, good.length() / 2));
    Files.writeString(folder.resolve("changed"), good.replaceFirst("\"bytes\":1", "\"bytes\":2"));
    Files.writeString(folder.resolve("other"), "hello\n");
    Files.writeString(
        folder.resolve("later"), good.replace("\"format-version\":1", "\"format-version\":2"));
    Map<String, String> bad =
        Map.of(
            "cut", "is damaged: its end is missing",
            "changed", "is damaged: the checksum of the whole is wrong",
            "other", "is no backup",
            "later", "format version 2");
    String intact = Files.readString(state.resolve("state.json"));
    for (Map.Entry<String, String> each : bad.entrySet()) {
      String name = folder.resolve(each.getKey()).toString();
      assertThat(anabranch(state, 1, "state", "restore", name, "--force"))
          .contains(each.getValue());
    }
    assertThat(state.resolve("state.json")).hasContent(intact);

    for (String name : List.of("state.json", "identities", "ports", "server-id", "uses.json")) {
      Files.delete(state.resolve(name));
    }
    deleteAll(state.resolve("volumes"));
    assertThat(anabranch(state, 0, "state", "restore", file)).contains("restored from");
    allThere(site, state);
  }

  @Test
  void aRestoreThatWasInterruptedIsNotServed() throws Exception {
    Site site = new Site(folder);
    Path state = folder.resolve("state");
    fill(site, state);
    String backup = folder.resolve("backup").toString();
    anabranch(state, 0, "state", "backup", backup);
    Files.writeString(state.resolve("restoring"), "", StandardCharsets.UTF_8);
    Files.delete(state.resolve("identities"));
    site.configure(configuration(state));
    try (ServerProcess server =
        new ServerProcess(folder, "serve", "--config", site.configuration.toString())) {
      assertThat(server.await()).isEqualTo(1);
      assertThat(server.errors()).contains("a restore of its state was interrupted");
    }
    anabranch(state, 0, "state", "restore", backup);
    allThere(site, state);
  }

  private static void deleteAll(Path tree) throws IOException {
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
