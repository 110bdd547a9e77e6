// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.anabranch.block.testing.Await;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.Progress;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.VolumeUnderTest;
import org.anabranch.server.snapshots.merge.MergeRequest.Begin;
import org.anabranch.server.state.SnapshotState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ExportTest {
  private static final int MIB = 1 << 20;
  private static final Progress<Exports.State> IGNORED = state -> {};

  @TempDir Path folder;
  private VolumeUnderTest volume;

  @BeforeEach
  void open() throws Exception {
    volume = new VolumeUnderTest(folder);
  }

  @AfterEach
  void close() throws IOException {
    volume.close();
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  private List<ByteExtent> changed(String device, @org.jspecify.annotations.Nullable String since)
      throws Exception {
    List<ByteExtent> extents = new ArrayList<>();
    volume.exports.changed(
        device,
        since,
        false,
        extent -> extents.add(new ByteExtent(extent.offset(), extent.length())));
    return extents;
  }

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(each -> each.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void rawExportIsTheSnapshotWhileItsVolumeIsWritten() throws Exception {
    volume.write(0, 3 * MIB, 1);
    volume.write(9 * MIB, 2 * MIB, 2);
    volume.write(10 * MIB, MIB / 2, 0);
    byte[] before = volume.contents.clone();
    volume.snapshot("a");
    AtomicBoolean stop = new AtomicBoolean();
    CompletableFuture<Void> load =
        CompletableFuture.runAsync(() -> {
          Random random = new Random(3);
          try {
            do {
              volume.write(random.nextInt(VolumeUnderTest.BYTES / 4096) * 4096, 4096, 4);
            } while (!stop.get());
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
    List<Object> done = new ArrayList<>();
    Exports.Written result =
        volume.exports.raw("vm1@a", file("a.img"), false, state -> done.add(state.done()));
    stop.set(true);
    load.join();
    assertThat(file("a.img")).hasBinaryContent(before);
    assertThat(done).isNotEmpty().endsWith((long) VolumeUnderTest.BYTES);
    assertThat(result.stored()).isEqualTo(4L * MIB + MIB / 2);
    assertThat(files()).contains("a.img").doesNotContain("a.img.part");
    assertThat(holes(file("a.img"))).isGreaterThanOrEqualTo(11L * MIB);
  }

  /** Bytes that no storage backs. */
  private static long holes(Path path) throws Exception {
    BackingDevice device = FileDevice.open("image", path, FileOptions.DEFAULT.withReadOnly(true));
    long holes = 0;
    for (long sector = 0; sector < device.sectors(); ) {
      CompletableFuture<Io> answer = new CompletableFuture<>();
      device.submit(
          Io.blockStatus(sector, device.sectors() - sector, (io, error) -> answer.complete(io)));
      Io io = answer.join();
      holes += io.allocated() ? 0 : io.statusSectors() * 512;
      sector += io.statusSectors();
    }
    device.close().toCompletableFuture().join();
    return holes;
  }

  @Test
  void diffTellsWhatWasWrittenThereOrOnTheVolume() throws Exception {
    volume.snapshot("a");
    volume.write(8192, 8192, 1);
    volume.write(16384, 512, 2);
    volume.write("vm1@a", MIB, 4096, 3);
    volume.write(VolumeUnderTest.BYTES - 512, 512, 4);
    assertThat(changed("vm1@a", null))
        .containsExactly(
            new ByteExtent(8192, 16384),
            new ByteExtent(MIB, 8192),
            new ByteExtent(VolumeUnderTest.BYTES - 8192, 8192));
    volume.snapshot("b");
    volume.write(2 * MIB, 512, 5);
    assertThat(changed("vm1@b", null)).containsExactly(new ByteExtent(2 * MIB, 8192));
    assertThat(changed("vm1@b", "vm1@a")).hasSize(4).contains(new ByteExtent(2 * MIB, 8192));
    assertThatThrownBy(() -> changed("vm1@a", "vm1@a"))
        .hasMessageContaining("vm1@a is no other snapshot of volume vm1");
    assertThatThrownBy(() -> changed("vm1@c", null))
        .hasMessageContaining("there is no snapshot vm1@c; there are: vm1@a, vm1@b");
  }

  @Test
  void listsOfSnapshotsWithDifferentChunks() throws Exception {
    volume.snapshots.create("vm1", "fine", 8, 0, false);
    List<ByteExtent> expected = new ArrayList<>();
    List<CompletableFuture<Boolean>> writes = new ArrayList<>();
    for (int at = 0; at < VolumeUnderTest.BYTES; at += 8192) {
      writes.add(volume.begin("vm1", at, 512, 1));
      expected.add(new ByteExtent(at, 4096));
    }
    writes.forEach(CompletableFuture::join);
    assertThat(changed("vm1@fine", null)).isEqualTo(expected);
    volume.snapshot("coarse");
    assertThat(changed("vm1@coarse", "vm1@fine")).isEqualTo(expected);
    volume.write("vm1@coarse", 4096, 512, 2);
    assertThat(changed("vm1@coarse", "vm1@fine")).startsWith(new ByteExtent(0, 12288));
  }

  @Test
  void changesSinceAnOlderSnapshotMakeTheYoungerOne() throws Exception {
    volume.write(0, 4 * MIB, 1);
    volume.snapshot("a");
    volume.exports.raw("vm1@a", file("copy.img"), false, IGNORED);
    volume.write(MIB, 100 * 512, 2);
    volume.write(2 * MIB, MIB, 0);
    volume.write(8 * MIB, 2 * MIB + 512, 3);
    byte[] atB = volume.contents.clone();
    volume.snapshot("b");
    volume.write(MIB, MIB, 4);
    volume.write("vm1@b", 0, 512, 5);
    System.arraycopy(VolumeUnderTest.data(512, 5), 0, atB, 0, 512);
    Exports.Written result =
        volume.exports.delta("vm1@b", "vm1@a", file("b.delta"), false, IGNORED);
    assertThat(result.stored()).isLessThan(7L * MIB);
    assertThat(Files.size(file("b.delta"))).isLessThan(6L * MIB);

    List<Long> done = new ArrayList<>();
    DeltaImport.Result imported = new DeltaImport(file("b.delta"), file("copy.img")).run(done::add);
    assertThat(file("copy.img")).hasBinaryContent(atB);
    assertThat(imported.changed()).isEqualTo(result.stored());
    assertThat(done).isSorted().isNotEmpty();
    // Applied again, as after an interruption.
    new DeltaImport(file("b.delta"), file("copy.img")).run(each -> {});
    assertThat(file("copy.img")).hasBinaryContent(atB);
  }

  @Test
  void changesAgainstTheVolumeRollACopyOfItBack() throws Exception {
    volume.write(0, 4 * MIB, 1);
    byte[] before = volume.contents.clone();
    volume.snapshot("a");
    volume.write(MIB, 3 * MIB, 2);
    volume.write(12 * MIB, 512, 3);
    volume.exports.delta("vm1@a", null, file("undo.delta"), false, IGNORED);
    Files.write(file("copy.img"), volume.contents);
    new DeltaImport(file("undo.delta"), file("copy.img")).run(each -> {});
    assertThat(file("copy.img")).hasBinaryContent(before);
  }

  private void refused(Path delta, Path image, String reason) throws IOException {
    byte[] held = Files.exists(image) ? Files.readAllBytes(image) : new byte[0];
    assertThatThrownBy(() -> new DeltaImport(delta, image).run(each -> {}))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining(reason);
    if (held.length > 0) {
      assertThat(java.util.Arrays.equals(Files.readAllBytes(image), held)).isTrue();
    }
  }

  @Test
  void importRefusesBeforeAnythingIsWritten() throws Exception {
    volume.snapshot("a");
    volume.write(0, 2 * MIB, 1);
    volume.write(5 * MIB, 512, 1);
    Path delta = file("a.delta");
    volume.exports.delta("vm1@a", null, delta, false, IGNORED);
    byte[] good = Files.readAllBytes(delta);
    Path image = Files.write(file("image"), new byte[VolumeUnderTest.BYTES]);
    refused(delta, file("absent"), "absent: No such file or directory");
    refused(delta, file("vm1.img"), "vm1.img: already open here");
    Path shorter = Files.write(file("shorter"), new byte[VolumeUnderTest.BYTES - 512]);
    refused(delta, shorter, "shorter has 16776704 bytes, but");
    refused(file("nothing"), image, "no such file or folder");

    for (int at : new int[] {0, 8, 20, 40, 70, good.length / 2, good.length - 5}) {
      byte[] damaged = good.clone();
      damaged[at] ^= 16;
      refused(Files.write(delta, damaged), image, "a.delta: ");
    }
    for (int length : new int[] {0, 10, 60, good.length / 2, good.length - 24, good.length - 1}) {
      refused(
          Files.write(delta, java.util.Arrays.copyOf(good, length)),
          image,
          "it ends in the middle of ");
    }
    refused(
        Files.write(delta, java.util.Arrays.copyOf(good, good.length + 1)),
        image,
        "something follows its end; nothing was changed");
  }

  /** Records that are whole, but whose places make no sense, or that are not all there. */
  @Test
  void importChecksWhereRecordsBelong() throws Exception {
    Path image = Files.write(file("image"), new byte[8192]);
    record Case(List<DeltaFormat.Piece> records, String reason) {}
    DeltaFormat.Piece end = new DeltaFormat.Piece(DeltaFormat.END, 1, 512);
    for (Case each :
        List.of(
            new Case(List.of(new DeltaFormat.Piece(2, 8192, 512), end), "makes no sense"),
            new Case(List.of(new DeltaFormat.Piece(2, 0, 0), end), "makes no sense"),
            new Case(List.of(new DeltaFormat.Piece(2, 256, 512), end), "makes no sense"),
            new Case(List.of(new DeltaFormat.Piece(2, -512, 1024), end), "makes no sense"),
            new Case(List.of(new DeltaFormat.Piece(2, 0, Long.MIN_VALUE), end), "makes no sense"),
            new Case(
                List.of(new DeltaFormat.Piece(2, 512, 512), new DeltaFormat.Piece(2, 0, 512)),
                "record 1 makes no sense"),
            new Case(List.of(new DeltaFormat.Piece(7, 0, 512), end), "of a kind that is not"),
            new Case(List.of(end), "0 records over 0 bytes came, 1 over 512 were written"))) {
      Path delta = file("a.delta");
      ByteBuffer all = DeltaFormat.buffer(4096);
      all.put(new DeltaFormat.Header(8192, 8192, "").write());
      for (DeltaFormat.Piece record : each.records) {
        all.put(record.write(DeltaFormat.NOTHING, DeltaFormat.NOTHING));
      }
      Files.write(delta, bytes(all));
      refused(delta, image, each.reason);
    }
  }

  @Test
  void aDeltaMakesAnImageLonger() throws Exception {
    Path image = Files.write(file("image"), VolumeUnderTest.data(8192, 1));
    Path delta = file("a.delta");
    ByteBuffer all = DeltaFormat.buffer(4096);
    all.put(new DeltaFormat.Header(8192, 16384, "").write());
    ByteBuffer data = ByteBuffer.wrap(VolumeUnderTest.data(1024, 2));
    all.put(new DeltaFormat.Piece(DeltaFormat.DATA, 7680, 1024).write(DeltaFormat.NOTHING, data))
        .put(data);
    all.put(
        new DeltaFormat.Piece(DeltaFormat.END, 1, 1024)
            .write(DeltaFormat.NOTHING, DeltaFormat.NOTHING));
    Files.write(delta, bytes(all));
    new DeltaImport(delta, image).run(each -> {});
    byte[] expected = java.util.Arrays.copyOf(VolumeUnderTest.data(8192, 1), 16384);
    System.arraycopy(VolumeUnderTest.data(1024, 2), 0, expected, 7680, 1024);
    assertThat(image).hasBinaryContent(expected);
  }

  /** All files that the configuration was read from, with --force, too. */
  @Test
  void theConfigurationIsNotReplaced() throws Exception {
    Path etc = Files.createDirectory(folder.resolve("etc"));
    Path parts = Files.createDirectory(etc.resolve("conf.d"));
    Path main = etc.resolve("anabranch.conf");
    Path more = Files.writeString(etc.resolve("more.conf"), "anabranch.merge-grace = 1 s\n");
    Path part = Files.writeString(parts.resolve("a.conf"), "anabranch.log.level = info\n");
    Path secret = Files.writeString(etc.resolve("u.secret"), "sixteen-bytes-16\n");
    Files.writeString(
        main,
        """
        include "more.conf"
        include "conf.d/*.conf"
        anabranch {
          state-dir = ../state
          volumes { vm1 { path = ../vm1.img, size = 16 MiB } }
          targets { "iqn.2026-11.org.example:t" {
            luns { 0 = vm1 }, chap { user = u, secret-file = u.secret }
          } }
        }
        """);
    volume.live.replace(ConfigurationFile.read(main), Set.of());
    volume.snapshot("a");
    for (Path file : List.of(main, more, part, secret)) {
      String before = Files.readString(file);
      assertThatThrownBy(() -> volume.exports.raw("vm1@a", file, true, IGNORED))
          .hasMessageContaining("is a file of the server's configuration");
      Path around = etc.resolve("conf.d/../../etc").resolve(etc.relativize(file));
      assertThatThrownBy(() -> volume.exports.delta("vm1@a", null, around, true, IGNORED))
          .hasMessageContaining("is a file of the server's configuration");
      assertThat(file).hasContent(before);
    }
  }

  @Test
  void whatIsThereIsNotReplaced() throws Exception {
    volume.snapshot("a");
    Path there = Files.writeString(file("there"), "precious");
    assertThatThrownBy(() -> volume.exports.raw("vm1@a", there, false, IGNORED))
        .hasMessageContaining("there exists; --force replaces it");
    assertThat(there).hasContent("precious");
    volume.exports.raw("vm1@a", there, true, IGNORED);
    assertThat(there).hasSize(VolumeUnderTest.BYTES);
    assertThatThrownBy(() -> volume.exports.raw("vm1@a", file("vm1.img"), true, IGNORED))
        .hasMessageContaining("is a file of the server's own");
    assertThatThrownBy(() -> volume.exports.raw("vm1@a", folder, true, IGNORED))
        .hasMessageContaining("is no regular file");
    assertThatThrownBy(() -> volume.exports.raw("vm1@a", file("no/such"), true, IGNORED))
        .hasMessageContaining("there is no folder ");
  }

  @Test
  void interruptedExportLeavesNothing() throws Exception {
    volume.write(0, 4 * MIB, 1);
    volume.snapshot("a");
    volume.write(0, 2 * MIB, 2);
    Progress<Exports.State> gone =
        state -> {
          throw new ClientGoneException(new IOException("gone"));
        };
    List<String> before = files();
    assertThatThrownBy(() -> volume.exports.raw("vm1@a", file("a.img"), false, gone))
        .isInstanceOf(ClientGoneException.class);
    assertThatThrownBy(() -> volume.exports.delta("vm1@a", null, file("a.delta"), false, gone))
        .isInstanceOf(ClientGoneException.class);
    assertThat(files()).isEqualTo(before);
    // What a crash left behind is replaced.
    Files.writeString(file("a.img.part"), "left behind");
    Files.getFileAttributeView(file("a.img.part"), UserDefinedFileAttributeView.class)
        .write("anabranch.part", ByteBuffer.wrap(new byte[] {'1'}));
    volume.exports.raw("vm1@a", file("a.img"), false, IGNORED);
    assertThat(files()).contains("a.img").doesNotContain("a.img.part");
    assertThat(Files.getFileAttributeView(file("a.img"), UserDefinedFileAttributeView.class).list())
        .isEmpty();
    volume.snapshots.remove("vm1@a", false);
  }

  @Test
  void somebodysOwnPartFileAndItsLinksAreLeftAlone() throws Exception {
    volume.write(0, MIB, 1);
    volume.snapshot("a");
    Path own = Files.writeString(file("x.img.part"), "my own file");
    Path precious = Files.writeString(file("precious"), "precious");
    Files.createSymbolicLink(file("y.img.part"), precious);
    Files.createSymbolicLink(file("z.img.part"), file("vm1.img"));
    Files.createDirectory(file("d.img.part"));
    for (String name : List.of("x", "y", "z", "d")) {
      for (boolean force : new boolean[] {false, true}) {
        assertThatThrownBy(() -> volume.exports.raw("vm1@a", file(name + ".img"), force, IGNORED))
            .hasMessageContaining(name + ".img.part ")
            .hasMessageMatching(".*(exists, where the export would be|of the server's own).*");
      }
      assertThat(file(name + ".img")).doesNotExist();
    }
    assertThat(own).hasContent("my own file");
    assertThat(precious).hasContent("precious");
    assertThat(Files.isSymbolicLink(file("y.img.part"))).isTrue();
  }

  @Test
  void onlyItsOwnerMayReadAnExport() throws Exception {
    volume.snapshot("a");
    Path there = Files.writeString(file("there"), "public");
    Files.setPosixFilePermissions(there, PosixFilePermissions.fromString("rw-r--r--"));
    volume.exports.raw("vm1@a", there, true, IGNORED);
    volume.exports.delta("vm1@a", null, file("delta"), false, IGNORED);
    for (Path path :
        List.of(there, file("delta"), file("vm1.img"), file("cow/vm1@a.cow"), file("state.json"))) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .as(path.toString())
          .isEqualTo("rw-------");
    }
  }

  @Test
  void theServersOwnFilesAreNotReplaced() throws Exception {
    volume.snapshot("a");
    for (String own :
        List.of(
            "state.json",
            "state.json.new",
            "lock",
            "cow/new",
            "cow/vm1@a.cow",
            "vm1.img",
            "identities",
            "ports",
            "uses.json",
            "uses.json.new",
            "server-id",
            "volumes/vm1.json",
            "reservations/x",
            "invalid/x",
            "images/b.img",
            "restoring")) {
      assertThatThrownBy(() -> volume.exports.raw("vm1@a", file(own), true, IGNORED))
          .as(own)
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("is a file of the server's own");
    }
    Path linked = Files.createSymbolicLink(file("linked"), file("uses.json"));
    Files.writeString(file("uses.json"), "");
    assertThatThrownBy(() -> volume.exports.raw("vm1@a", linked, true, IGNORED))
        .hasMessageContaining("is a file of the server's own");
    Path link = Files.createSymbolicLink(file("elsewhere"), folder);
    assertThatThrownBy(() -> volume.exports.raw("vm1@a", link.resolve("state.json"), true, IGNORED))
        .hasMessageContaining("is a file of the server's own");
  }

  @Test
  void nothingIsExportedThatWasCutFromOutside() throws Exception {
    volume.write(0, 8 * MIB, 1);
    volume.snapshot("a");
    volume.write(0, 4 * MIB, 2);
    try (FileChannel store = FileChannel.open(file("cow/vm1@a.cow"), StandardOpenOption.WRITE)) {
      store.truncate(MIB);
    }
    assertThatThrownBy(() -> volume.exports.raw("vm1@a", file("a.img"), false, IGNORED))
        .hasMessageContaining("the file ends early");
    assertThatThrownBy(() -> volume.exports.delta("vm1@a", null, file("a"), false, IGNORED))
        .hasMessageContaining("the file ends early");
    assertThat(file("a.img")).doesNotExist();
    assertThat(file("a")).doesNotExist();
    assertThat(volume.storage.warnings().toString()).contains("was cut from outside");
  }

  @Test
  void nothingIsExportedOfAVolumeThatWasCutFromOutside() throws Exception {
    volume.write(0, 8 * MIB, 1);
    volume.snapshot("a");
    try (FileChannel image = FileChannel.open(file("vm1.img"), StandardOpenOption.WRITE)) {
      image.truncate(4 * MIB);
    }
    assertThatThrownBy(() -> volume.exports.raw("vm1@a", file("a.img"), false, IGNORED))
        .hasMessageContaining("the file ends early");
    assertThat(file("a.img")).doesNotExist();
  }

  @Test
  void diffTellsWhatAGrownVolumeHasBehindItsSnapshot() throws Exception {
    volume.snapshot("a");
    volume.storage.resize(volume.config(), (VolumeUnderTest.BYTES + 2L * MIB) / 512);
    assertThat(changed("vm1@a", null))
        .containsExactly(new ByteExtent(VolumeUnderTest.BYTES, 2 * MIB));
    volume.snapshot("b");
    assertThat(changed("vm1@b", "vm1@a"))
        .containsExactly(new ByteExtent(VolumeUnderTest.BYTES, 2 * MIB));
  }

  @Test
  void sinceNamesAnOlderSnapshot() throws Exception {
    volume.snapshot("a");
    Instant before = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    Await.until(
        "the next second: a snapshot's age is known in seconds",
        () -> Instant.now().truncatedTo(ChronoUnit.SECONDS).isAfter(before));
    volume.snapshot("b");
    assertThatThrownBy(() -> changed("vm1@a", "vm1@b"))
        .hasMessageContaining("vm1@b is younger than vm1@a");
    assertThatThrownBy(() -> volume.exports.delta("vm1@a", "vm1@b", file("d"), false, IGNORED))
        .hasMessageContaining("vm1@b is younger than vm1@a");
    assertThat(changed("vm1@b", "vm1@a")).isEmpty();
  }

  @Test
  void aSnapshotStaysWhileItIsExported() throws Exception {
    volume.write(0, MIB, 1);
    byte[] before = volume.contents.clone();
    volume.snapshot("a");
    volume.write(0, MIB, 2);
    List<String> answers = new ArrayList<>();
    volume.exports.raw(
        "vm1@a",
        file("a.img"),
        false,
        state -> {
          try {
            volume.exports.raw("vm1@a", file("a.img"), true, IGNORED);
          } catch (RefusedException e) {
            answers.add(e.getMessage());
          }
          try {
            volume.snapshots.remove("vm1@a", true);
          } catch (RefusedException e) {
            answers.add(e.getMessage());
          }
        });
    assertThat(answers.get(0)).contains("is being written by another export");
    assertThat(answers.get(1)).contains("vm1@a is being read or exported; wait for that");
    assertThat(file("a.img")).hasBinaryContent(before);

    List<SnapshotState.Phase> phases = new ArrayList<>();
    volume.exports.raw(
        "vm1@a",
        file("a2.img"),
        false,
        state -> {
          try {
            phases.add(volume.merge("vm1@a", Begin.NOW).phase());
          } catch (RefusedException e) {
            throw new AssertionError(e);
          }
        });
    assertThat(phases).containsOnly(SnapshotState.Phase.QUEUED);
    assertThat(file("a2.img")).hasBinaryContent(before);
    Await.until(
        "it is merged once it has been exported", () -> volume.snapshots.list(null), List::isEmpty);
  }

  @Test
  void noExportBeginsAtAStop() throws Exception {
    volume.snapshot("a");
    volume.exports.close();
    assertThatThrownBy(() -> volume.exports.raw("vm1@a", file("a.img"), false, IGNORED))
        .hasMessageContaining("the server is stopping");
    assertThat(files()).doesNotContain("a.img", "a.img.part");
  }

  private static byte[] bytes(ByteBuffer written) {
    byte[] bytes = new byte[written.position()];
    written.flip().get(bytes);
    return bytes;
  }

  @Test
  void aStopDoesNotWaitForAClientThatDoesNotListen() throws Exception {
    volume.write(0, MIB, 1);
    volume.snapshot("a");
    CountDownLatch telling = new CountDownLatch(1);
    CountDownLatch gone = new CountDownLatch(1);
    CompletableFuture<Void> export =
        CompletableFuture.runAsync(() -> {
          Progress<Exports.State> deaf =
              state -> {
                telling.countDown();
                try {
                  gone.await();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
                throw new ClientGoneException(new IOException("closed"));
              };
          assertThatThrownBy(() -> volume.exports.raw("vm1@a", file("a.img"), false, deaf))
              .isInstanceOf(ClientGoneException.class);
        });
    telling.await();
    volume.exports.stop(); // returns, so that the client's connection can be closed
    gone.countDown();
    volume.exports.close();
    export.join();
    assertThat(files()).doesNotContain("a.img", "a.img.part");
  }
}
