// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.TakesLong;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.base.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * Every command as a user types it: through the {@code ./anabranch} script, in a checkout that has
 * been built and whose path has blanks. Maven is not run: what it compiled is put in its place.
 */
@TakesLong
final class LauncherVerbsTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String VOLUME = "volumes { vm1 { path = vm1.img, size = 64 MiB } }\n";
  private static final String LUN = "targets { \"" + TARGET + "\" { luns { 0 = vm1 } } }\n";
  private static final String SCHEDULE =
      "snapshots { yearly { volumes = [vm1], every = 366 d, keep = 1 } }\n";
  private static final int CHUNK = 4096;
  private static final int CHUNKS = 4096; // changed, each with one between that is not
  private static final long PATIENCE = 120;

  @TempDir private Path folder;
  private final Set<String> run = new TreeSet<>();

  private Path launcher() {
    return folder.resolve("a check out/anabranch");
  }

  /** A checkout as the build leaves it, as far as the script looks at it. */
  private void build() throws IOException {
    Path checkout = Files.createDirectory(folder.resolve("a check out"));
    Path target = checkout.resolve("target-server/target");
    Path lib = Files.createDirectories(target.resolve("lib"));
    ToolProvider jar = ToolProvider.findFirst("jar").orElseThrow();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      Path from = Path.of(entry);
      if (entry.endsWith(".jar")) {
        Path to = lib.resolve(String.valueOf(from.getFileName()));
        Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
      } else if (from.endsWith("target/classes")) {
        String module = String.valueOf(from.resolve("../..").normalize().getFileName());
        Path to =
            module.equals("target-server")
                ? target.resolve("anabranch.jar")
                : lib.resolve(module + ".jar");
        int status = jar.run(System.out, System.err, "cf", to.toString(), "-C", entry, ".");
        assertThat(status).as(entry).isZero();
      }
    }
    Files.copy(Path.of("../anabranch"), launcher(), StandardCopyOption.COPY_ATTRIBUTES);
    Path options = Files.createDirectory(checkout.resolve("packaging")).resolve("jvm.options");
    Files.copy(Path.of("../packaging/jvm.options"), options, StandardCopyOption.COPY_ATTRIBUTES);
    Path pom = Files.createFile(checkout.resolve("pom.xml"));
    Files.setLastModifiedTime(pom, FileTime.from(Instant.EPOCH));
    Files.createFile(target.resolve("built"));
  }

  private String anabranch(int status, String... words) throws Exception {
    List<String> line = new ArrayList<>(List.of(launcher().toString()));
    line.addAll(List.of(words));
    run.add(words[0]);
    run.add(words.length > 1 ? words[0] + " " + words[1] : words[0]);
    return Tools.run(PATIENCE, line.toArray(String[]::new)).expect(status).output();
  }

  /** For a server. */
  private String ask(Site site, String... words) throws Exception {
    List<String> line = new ArrayList<>(List.of(words));
    line.addAll(List.of("--socket", site.socket().toString()));
    return anabranch(0, line.toArray(String[]::new));
  }

  private Process start(String... words) throws IOException {
    List<String> line = new ArrayList<>(List.of(launcher().toString()));
    line.addAll(List.of(words));
    run.add(words[0]);
    return new ProcessBuilder(line)
        .directory(folder.toFile())
        .redirectError(folder.resolve("errors").toFile())
        .start();
  }

  private static String ready(Process server) throws IOException {
    String line = String.valueOf(server.inputReader().readLine());
    assertThat(line).startsWith("anabranch: ready, portals ");
    return line.replaceAll(".* ", "");
  }

  /** The process is the server itself. */
  private static void stop(Process server) throws InterruptedException {
    server.toHandle().destroy();
    assertThat(server.waitFor(PATIENCE, TimeUnit.SECONDS)).isTrue();
    assertThat(server.exitValue()).isZero();
  }

  private static void leaves(CommandLine command, Set<String> names) {
    command.getSubcommands().values().forEach(each -> leaves(each, names));
    if (command.getSubcommands().isEmpty()) {
      names.add(command.getCommandSpec().qualifiedName().replaceFirst("^anabranch ", ""));
    }
  }

  @Test
  void everyCommandDoesWhatItSays() throws Exception {
    build();
    assertThat(anabranch(0, "--version"))
        .contains("faster starts") // says what takes so long
        .contains("anabranch ");
    assertThat(anabranch(0, "--version")).isEqualTo("anabranch " + Version.number() + "\n");
    anabranch(2, "frobnicate");
    anabranch(0, "demo");
    embedded();
    Site site = new Site(folder);
    site.configure(VOLUME + LUN + SCHEDULE);
    assertThat(anabranch(0, "check", site.configuration.toString())).contains("lun 0: vm1, 64 MiB");
    foreign();
    Process server = start("serve", "--config", site.configuration.toString());
    try (Initiator initiator = new Initiator()) {
      Site.Host host = Site.Host.logIn(initiator, ready(server), SessionOptions.normal(TARGET));
      look(site);
      snapshots(site, host.disk(0));
      deviceMapper(site);
      site.configure(VOLUME + LUN + "devices { d = \"0 8 zero\" }\n");
      assertThat(ask(site, "reload")).contains("d");
      assertThat(ask(site, "session", "drop", "1")).isEqualTo("session 1 dropped\n");
      stop(server);
    } finally {
      server.destroyForcibly();
    }
    String store = folder.resolve("state/cow/vm1@d.cow").toString();
    assertThat(anabranch(0, "cow", "check", store)).contains("good");
    assertThat(anabranch(0, "cow", "dump", store)).contains("area 0");
    Set<String> all = new TreeSet<>();
    leaves(Main.commandLine(), all);
    all.removeAll(run);
    assertThat(all).as("commands that were not run").isEmpty();
  }

  private void foreign() throws Exception {
    Path tgt = folder.resolve("a targets.conf");
    Files.writeString(tgt, "<target " + TARGET + ">\n  backing-store /srv/a.img\n</target>\n");
    assertThat(anabranch(0, "import", "tgt", tgt.toString())).contains("serial = \"beaf11\"");
    Path lio = folder.resolve("a saveconfig.json");
    Files.writeString(lio, "{ \"storage_objects\": [], \"targets\": [] }");
    assertThat(anabranch(0, "import", "lio", lio.toString())).contains("targets {");
  }

  /** Without a configuration. */
  private void embedded() throws Exception {
    Process server = start("serve", "--portal", "127.0.0.1:0");
    try {
      ready(server);
      Path socket = folder.resolve("anabranch-data/control.sock");
      assertThat(anabranch(0, "volume", "list", "--socket", socket.toString())).contains("disk0");
      stop(server);
    } finally {
      server.destroyForcibly();
    }
  }

  private void look(Site site) throws Exception {
    assertThat(ask(site, "status")).contains("vm1", TARGET);
    assertThat(ask(site, "status", "--json")).contains("\"sessions\"");
    assertThat(ask(site, "stats")).contains("VOLUME", "vm1");
    assertThat(ask(site, "stats", "--json")).contains("\"counters\"");
    assertThat(ask(site, "volume", "list")).contains("vm1.img");
    assertThat(ask(site, "volume", "resize", "vm1", "65", "MiB")).contains("now 65 MiB");
    ask(site, "volume", "retry");
    assertThat(
            anabranch(
                1, "volume", "import", "vm1", "/dev/null", "--socket", site.socket().toString()))
        .contains("it ends in the middle of the header; nothing was changed, so send it again");
    assertThat(anabranch(1, "volume", "adopt", "vm1", "--socket", site.socket().toString()))
        .contains("volume vm1 is served already");
    assertThat(anabranch(1, "volume", "take-over", "vm1", "--socket", site.socket().toString()))
        .contains("volume vm1: no other server can have it");
    assertThat(ask(site, "session", "list")).contains(TARGET);
    Process watch = start("status", "--watch", "--socket", site.socket().toString());
    try (BufferedReader lines = watch.inputReader()) {
      for (int shown = 0; shown < 2; ) {
        String line = Objects.requireNonNull(lines.readLine());
        shown += line.startsWith("anabranch ") ? 1 : 0;
      }
    } finally {
      watch.destroyForcibly();
    }
  }

  private static void change(Disk disk) throws Exception {
    List<CompletableFuture<?>> writes = new ArrayList<>();
    for (int i = 0; i < CHUNKS; i++) {
      writes.add(disk.write(i * 2L * CHUNK / 512, ByteBuffer.allocate(CHUNK).putInt(0, i + 1)));
      if (writes.size() == 32) {
        for (var write : writes) {
          Initiator.await(write, PATIENCE);
        }
        writes.clear();
      }
    }
  }

  private void snapshots(Site site, Disk disk) throws Exception {
    ask(site, "snapshot", "create", "vm1@a", "--chunk-size", "4KiB");
    change(disk);
    assertThat(ask(site, "snapshot", "list")).contains("vm1@a", "ready", "16 MiB of ");
    assertThat(ask(site, "snapshot", "diff", "vm1@a").lines()).hasSize(CHUNKS);
    String delta = folder.resolve("a delta").toString();
    String image = folder.resolve("an image").toString();
    ask(site, "snapshot", "export", "vm1@a", delta, "--changed");
    ask(site, "snapshot", "export", "vm1@a", image);
    byte[] before = Files.readAllBytes(Path.of(image));
    assertThat(before).isEqualTo(new byte[before.length]);
    Files.copy(folder.resolve("vm1.img"), Path.of(image), StandardCopyOption.REPLACE_EXISTING);
    assertThat(anabranch(0, "snapshot", "import", delta, image)).contains("16 MiB");
    assertThat(Path.of(image)).hasBinaryContent(before);

    site.ask(
        "snapshot merge", Map.of("name", "vm1@a", "now", true, "throttle", 1_000_000)); // it lasts
    ask(site, "dm", "message", "vm1", "0", "throttle", "1000000");
    assertThat(ask(site, "snapshot", "pause", "vm1@a")).contains("paused");
    assertThat(ask(site, "status")).contains("rolling back").contains(", paused");
    assertThat(ask(site, "snapshot", "resume", "vm1@a")).contains("resumed");
    assertThat(ask(site, "snapshot", "throttle", "vm1@a", "2", "MiB/s"))
        .contains("at most 2 MiB/s");
    assertThat(ask(site, "snapshot", "throttle", "vm1@a", "none")).contains("no limit");
    ask(site, "dm", "wait", "vm1", "0");
    Await.until(
        "the merge of vm1@a has ended",
        () -> ask(site, "snapshot", "list"),
        list -> !list.contains("vm1@a"));
    ask(site, "volume", "limit", "vm1", "--iops", "100000");
    ask(site, "volume", "limit", "vm1", "none");
    ask(site, "volume", "create", "linux", "--size", "1 MiB");
    String cow = SnapshotAdoptTest.golden("p8.before.cow", folder.resolve("a.cow")).toString();
    ask(site, "snapshot", "adopt", "linux@a", "--store", cow);
    ask(site, "snapshot", "remove", "linux@a");
    ask(site, "snapshot", "create", "vm1@b");
    change(disk);
    assertThat(ask(site, "snapshot", "rollback", "--keep", "--now", "--wait", "vm1@b"))
        .contains("volume vm1 is rolled back to vm1@b, which is kept");
    assertThat(ask(site, "snapshot", "ls")).contains("vm1@b");
    change(disk);
    assertThat(ask(site, "snapshot", "merge", "--now", "--wait", "vm1@b"))
        .contains("volume vm1 is rolled back to vm1@b");
    ask(site, "snapshot", "create", "vm1@c");
    assertThat(ask(site, "snapshot", "describe", "vm1@c", "a note")).contains("described");
    assertThat(ask(site, "snapshot", "rename", "vm1@c", "e")).contains("vm1@e now");
    assertThat(ask(site, "snapshot", "remove", "vm1@e")).contains("removed");
    ask(site, "snapshot", "create", "vm1@d");
    ask(site, "volume", "create", "new", "--size", "4 MiB");
    String backup = folder.resolve("a backup").toString();
    assertThat(ask(site, "state", "backup", backup)).contains("backed up to");
    String other = folder.resolve("other state").toString();
    assertThat(anabranch(0, "state", "restore", backup, "--state-dir", other))
        .contains("restored from");
    ask(site, "volume", "create", "copy", "--from", "vm1@d", "--wait");
    assertThat(ask(site, "volume", "list")).contains("copy.img");
    ask(site, "volume", "rename", "new", "newer");
    ask(site, "lun", "add", TARGET, "9", "newer", "--read-only");
    assertThat(ask(site, "lun", "list")).contains("newer");
    ask(site, "lun", "remove", TARGET, "9", "--force");
    assertThat(ask(site, "schedule", "list")).contains("yearly");
    assertThat(ask(site, "schedule", "pause", "yearly")).contains("paused");
    assertThat(ask(site, "schedule", "run", "yearly")).contains("taken");
    assertThat(ask(site, "schedule", "resume", "yearly")).contains("due at");
    assertThat(ask(site, "volume", "remove", "newer")).contains("stays");
    assertThat(ask(site, "volume", "remove", "copy", "--delete-image")).contains("deleted");
    Initiator.await(disk.write(0, ByteBuffer.allocate(CHUNK)), PATIENCE);
  }

  private void deviceMapper(Site site) throws Exception {
    ask(site, "dm", "create", "a", "--table", "0 8 zero");
    assertThat(ask(site, "dm", "ls")).startsWith("a\t(253:");
    assertThat(ask(site, "dm", "targets")).contains("snapshot-merge");
    assertThat(ask(site, "dm", "table", "a")).isEqualTo("0 8 zero \n");
    assertThat(ask(site, "dm", "status", "a")).isEqualTo("0 8 zero \n");
    Path table = Files.writeString(folder.resolve("a table"), "0 16 zero\n");
    ask(site, "dm", "load", "a", table.toString());
    ask(site, "dm", "clear", "a");
    ask(site, "dm", "reload", "a", table.toString());
    ask(site, "dm", "suspend", "a");
    assertThat(ask(site, "dm", "info", "a")).contains("SUSPENDED", "LIVE & INACTIVE");
    ask(site, "dm", "resume", "a");
    ask(site, "dm", "rename", "a", "b");
    assertThat(ask(site, "dm", "table", "b")).isEqualTo("0 16 zero \n");
    assertThat(ask(site, "dm", "deps", "b")).isEqualTo("0 dependencies\t:\n");
    ask(site, "dm", "wipe_table", "b");
    ask(site, "dm", "remove", "b");
    ask(site, "dm", "remove_all");
  }
}
