// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.anabranch.block.testing.Await;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.serve.Server;
import org.anabranch.server.snapshots.Adoption;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.snapshots.merge.MergeRequest.Begin;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.SnapshotState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Snapshots whose stores a Linux kernel wrote are taken over, also in the middle of a merge. */
final class SnapshotAdoptTest {
  private static final Path GOLDEN = Path.of("../blockcore/src/test/resources/golden");
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      """
      volumes { a { path = a.img } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = a, 1 = "a@linux" } } }
      """;

  @TempDir private Path folder;

  /** A device as Linux left it. */
  static Path golden(String name, Path to) throws IOException {
    try (InputStream in =
        new GZIPInputStream(Files.newInputStream(GOLDEN.resolve(name + ".img.gz")))) {
      Files.copy(in, to, StandardCopyOption.REPLACE_EXISTING);
      return to;
    }
  }

  /** Puts a volume and a store there, as Linux left them. */
  private Path linux(String state) throws IOException {
    Path outside = Files.createDirectories(folder.resolve("linux"));
    golden(state + ".origin", folder.resolve("a.img"));
    golden(state + ".cow", outside.resolve("a.cow"));
    return outside.resolve("a.cow");
  }

  /** Digest of what Linux read from the snapshot. */
  private static String view(String state) throws IOException {
    String text = Files.readString(GOLDEN.resolve(state.replaceFirst("[.].*", ".txt")));
    Matcher line =
        Pattern.compile("view   sha256 (\\w+)")
            .matcher(text.substring(text.indexOf("--- " + state + ".*")));
    assertThat(line.find()).isTrue();
    return line.group(1);
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private static byte[] all(Disk disk, int blocks) throws Exception {
    ByteBuffer all = ByteBuffer.allocate(blocks * 512);
    for (int at = 0; at < blocks; ) {
      int some = Math.min(128, blocks - at);
      all.put(Initiator.await(disk.read(at, some), 30));
      at += some;
    }
    return all.array();
  }

  @ParameterizedTest
  @ValueSource(strings = {"p1.before", "p8.mid1", "p8odd.before", "po8overflow.before"})
  void readsAndMergesAsInLinux(String state) throws Exception {
    Path store = linux(state);
    byte[] before = Files.readAllBytes(store);
    Site site = new Site(folder);
    int blocks = (int) (Files.size(folder.resolve("a.img")) / 512);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      assertThat(site.anabranch(0, "snapshot", "adopt", "a@linux", "--store", store.toString()))
          .isEqualTo("snapshot a@linux taken over from " + store + "\n");
      assertThat(server.terminate()).isZero();
    }
    assertThat(store).hasBinaryContent(before);
    Files.delete(store);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      try (Initiator initiator = new Initiator()) {
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        assertThat(sha256(all(host.disk(1), blocks))).isEqualTo(view(state));
        // What is written to the volume from now on is copied to the store first.
        for (int at = 0; at < blocks; at += 96) {
          Initiator.await(host.disk(0).write(at, ByteBuffer.allocate(512).putInt(0, at)), 30);
        }
        assertThat(sha256(all(host.disk(1), blocks))).isEqualTo(view(state));
        Initiator.await(host.session().logout(), 30);
        host.awaitClosed();
      }
      site.ask("snapshot merge", Map.of("name", "a@linux", "now", true, "wait", true));
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
    assertThat(sha256(Files.readAllBytes(folder.resolve("a.img")))).isEqualTo(view(state));
    assertThat(folder.resolve("state/cow")).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(strings = {"p32.before", "p1.mid1", "p8.mid2", "p32.mid1"})
  void mergeGoesOnAtOnce(String state) throws Exception {
    Path store = linux(state);
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      assertThat(
              site.anabranch(
                  0, "snapshot", "adopt", "a@linux", "--store", store.toString(), "--merge"))
          .contains("the rollback begins");
      Await.until(
          "the merge has ended",
          () -> site.ask("snapshot list", Map.of()).toString(),
          text -> !text.contains("a@linux"));
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
    assertThat(sha256(Files.readAllBytes(folder.resolve("a.img")))).isEqualTo(view(state));
  }

  private static String refusal(Site site, String name, Path store) {
    return site.refusal(
        "snapshot adopt",
        Map.of("name", name, "store", store.toString(), "read-only", false, "merge", false));
  }

  /** LVM's COW volume, where its origin should be. */
  @Test
  void checkKnowsAStoreThatIsConfiguredAsADisk() throws Exception {
    Site site = new Site(folder);
    Path store = linux("p1.before");
    site.configure("volumes { a { path = a.img }, b { path = linux/a.cow } }");
    assertThat(CommandRun.of("check", site.configuration.toString()).errors())
        .contains(
            "warning: volume b: " + store.toRealPath() + " is the store of a snapshot",
            "anabranch snapshot adopt VOLUME@NAME --store " + store.toRealPath())
        .doesNotContain("warning: volume a");
  }

  @Test
  void whatCannotBeIsRefused() throws Exception {
    Path store = linux("p8.before");
    byte[] good = Files.readAllBytes(store);
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      assertThat(refusal(site, "b@x", store)).contains("volume", "b");
      assertThat(refusal(site, "a", store)).contains("VOLUME@NAME");
      assertThat(refusal(site, "a@/", store)).contains("not a snapshot's name");
      assertThat(refusal(site, "a@x", Path.of("a.cow"))).contains("absolute");
      assertThat(refusal(site, "a@x", folder.resolve("none"))).contains("none");
      assertThat(refusal(site, "a@x", folder.resolve("a.img"))).contains("already open");
      site.ask("snapshot create", Map.of("names", List.of("a@mine")));
      assertThat(refusal(site, "a@mine", store)).contains("snapshot a@mine exists");
      assertThat(refusal(site, "a@x", folder.resolve("state/cow/a@mine.cow")))
          .contains("state directory");
      Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("state/cow"));
      assertThat(refusal(site, "a@x", link.resolve("a@mine.cow"))).contains("state directory");
      site.ask("snapshot remove", Map.of("name", "a@mine", "force", false));

      Files.write(store, lie(good, 0, 0));
      assertThat(refusal(site, "a@x", store)).contains("begins with zeros");
      Files.write(store, lie(good, 0, 4711));
      assertThat(refusal(site, "a@x", store)).contains("magic");
      Files.write(store, lie(good, 4, 0));
      assertThat(refusal(site, "a@x", store)).contains("is invalid (valid is 0");
      Files.write(store, lie(good, 8, 2));
      assertThat(refusal(site, "a@x", store)).contains("version 2");
      Files.write(store, lie(good, 12, 7));
      assertThat(refusal(site, "a@x", store)).contains("chunk size 7");
      Files.write(store, lie(good, 4096, 256)); // the volume has 256 chunks
      assertThat(refusal(site, "a@x", store)).contains("area 0 at chunk 1, record 0");
      Files.write(store, Arrays.copyOf(good, 20 * 4096)); // 24 are in use
      assertThat(refusal(site, "a@x", store)).contains("record 18");
      Files.write(store, good);
      try (FileChannel channel = FileChannel.open(store, StandardOpenOption.WRITE);
          FileLock lock = channel.lock()) {
        assertThat(lock.isValid()).isTrue();
        assertThat(refusal(site, "a@x", store)).contains("in use");
      }
      try (Initiator initiator = new Initiator()) {
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        assertThat(refusal(site, "a@x", store)).contains("log out there first");
        Initiator.await(host.session().logout(), 30);
        host.awaitClosed();
      }
      // Nothing is left of any of them.
      assertThat(site.ask("snapshot list", Map.of()).toString()).doesNotContain("a@");
      assertThat(folder.resolve("state/cow")).isEmptyDirectory();
      assertThat(server.terminate()).isZero();
    }
  }

  private static byte[] lie(byte[] store, int at, int number) {
    byte[] bytes = store.clone();
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(at, number);
    return bytes;
  }

  /**
   * What is behind the part of a disk that the store uses is not copied, and zeros take no space.
   */
  @Test
  void copyIsSparseAndPrivate() throws Exception {
    Path store = linux("p8.before");
    byte[] old = new byte[8 << 20];
    Arrays.fill(old, (byte) 'x');
    byte[] good = Files.readAllBytes(store);
    System.arraycopy(good, 0, old, 0, 24 * 4096);
    Files.write(store, old);
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.ask(
          "snapshot adopt",
          Map.of("name", "a@x", "store", store.toString(), "read-only", true, "merge", false));
      Path copy = folder.resolve("state/cow/a@x.cow");
      assertThat(Files.getPosixFilePermissions(copy)).hasSize(2);
      byte[] copied = Files.readAllBytes(copy);
      assertThat(Arrays.copyOf(copied, 24 * 4096)).isEqualTo(Arrays.copyOf(good, 24 * 4096));
      for (int i = 24 * 4096; i < copied.length; i++) {
        assertThat(copied[i]).isZero();
      }
      assertThat(site.ask("snapshot list", Map.of()).toString()).contains("read-only=true");
      assertThat(server.terminate()).isZero();
    }
  }

  /** A crash after any step leaves the snapshot whole, or nothing of it. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCrashLeavesAllOfItOrNothing(boolean merge) throws Exception {
    String state = "p8.mid1";
    Path store = linux(state);
    Path base = Files.createDirectory(folder.resolve("base"));
    Files.copy(folder.resolve("a.img"), base.resolve("a.img"));
    Adoption.Request request = new Adoption.Request("a", "linux", store, false, merge, "");
    List<Path> worlds = new ArrayList<>();
    AtomicBoolean recording = new AtomicBoolean();
    DurableSteps steps =
        step -> {
          if (recording.get()) {
            worlds.add(FolderCopy.of(base, folder.resolve("world " + worlds.size() + " " + step)));
            recording.set(!step.equals("snapshot adopted")); // its merge would follow
          }
        };
    try (Server server = start(base, steps)) {
      recording.set(true);
      server.snapshots().adopt(request);
    }
    assertThat(recording).isFalse();
    int absent = 0;
    for (Path world : worlds) {
      try (Server server = start(world, DurableSteps.UNWATCHED)) {
        assertThat(server.warnings()).as(world.toString()).isEmpty();
        List<SnapshotState> there = server.snapshots().list(null);
        if (there.isEmpty() && !merge) {
          assertThat(stores(world)).isEmpty();
          absent++;
          server.snapshots().adopt(request);
        }
        if (!merge) {
          server.snapshots().merge(MergeRequest.of("a@linux", Begin.NOW));
        }
        Await.until("nothing is merged", () -> server.snapshots().list(null), List::isEmpty);
      }
      String end = sha256(Files.readAllBytes(world.resolve("a.img")));
      if (merge && !end.equals(view(state))) {
        assertThat(world.resolve("a.img"))
            .as("nothing was begun")
            .hasBinaryContent(Files.readAllBytes(folder.resolve("a.img")));
        absent++;
      } else {
        assertThat(end).as(world.toString()).isEqualTo(view(state));
      }
    }
    assertThat(absent).isBetween(1, worlds.size() - 1);
  }

  private static List<Path> stores(Path world) throws IOException {
    Path stores = Files.createDirectories(world.resolve("state/cow"));
    try (Stream<Path> files = Files.list(stores)) {
      return files.toList();
    }
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
