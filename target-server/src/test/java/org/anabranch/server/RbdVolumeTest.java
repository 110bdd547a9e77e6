// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.block.testing.TestCeph;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.ScsiException;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.serve.Server;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Volumes on images of a real Ceph cluster, which keeps what is acknowledged. */
@Timeout(180)
final class RbdVolumeTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final int BYTES = 16 << 20;
  private static final AtomicInteger NEXT = new AtomicInteger();

  private static @Nullable TestCeph ceph;

  @TempDir private Path folder;
  private Site site;
  private final Initiator initiator = new Initiator();
  private final String image = "rbd/v" + NEXT.incrementAndGet();
  private @Nullable Server server;

  @BeforeAll
  static void up() throws Exception {
    ceph = TestCeph.require(true);
  }

  @AfterAll
  static void down() throws Exception {
    if (ceph != null) {
      ceph.close();
    }
  }

  @BeforeEach
  @SuppressWarnings("NullAway.Init") // the site
  void setUp() {
    site = new Site(folder);
  }

  @AfterEach
  void close() {
    stop();
    initiator.close();
  }

  private static TestCeph ceph() {
    return Objects.requireNonNull(ceph);
  }

  private void stop() {
    if (server != null) {
      server.close();
      server = null;
    }
  }

  private void configure(String size) throws Exception {
    site.configure(
        "ceph.conf = \""
            + ceph().conf()
            + "\"\nvolumes { vm1 { rbd = \""
            + image
            + "\""
            + size
            + " }, vm2 { path = vm2.img, size = 1 MiB } }\ntargets { \""
            + TARGET
            + "\" { luns { 0 = vm1, 1 = vm2 } } }\n");
  }

  private void serve() throws Exception {
    server =
        Server.start(
            ConfigurationFile.read(site.configuration),
            () -> ConfigurationFile.read(site.configuration));
  }

  private Disk disk(int lun) throws Exception {
    return Site.Host.logIn(
            initiator,
            Objects.requireNonNull(server).portals().getFirst(),
            SessionOptions.normal(TARGET))
        .disk(lun);
  }

  private static ByteBuffer blocks(int count, int value) {
    byte[] bytes = new byte[count * 512];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private static void write(Disk disk, long lba, int count, int value) throws Exception {
    Initiator.await(disk.write(lba, blocks(count, value)), 60);
  }

  private static void reads(Disk disk, long lba, int count, int value) throws Exception {
    assertThat(Initiator.await(disk.read(lba, count), 60).rewind()).isEqualTo(blocks(count, value));
  }

  private String warnings() throws Exception {
    return String.valueOf(site.ask("status", Map.of()).get("warnings"));
  }

  @Test
  void anImageIsMadeAndHasSnapshotsThatSurviveARestartAndAreRolledBack() throws Exception {
    configure(", size = " + BYTES);
    serve();
    assertThat(ceph().run("rbd", List.of("info", image))).contains("16 MiB");
    assertThat(ceph().run("rbd", List.of("image-meta", "ls", image)))
        .contains("anabranch.volume")
        .contains("anabranch.names");
    Disk disk = disk(0);
    assertThat(disk.bytes()).isEqualTo(BYTES);
    write(disk, 0, 4096, 1);
    write(disk, 100, 8, 2);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    write(disk, 0, 256, 3);
    Initiator.await(disk.unmap(512, 64), 60);
    reads(disk, 512, 64, 0);
    stop();
    serve();
    Disk again = disk(0);
    reads(again, 0, 256, 3);
    reads(again, 512, 64, 0);
    site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "wait", true));
    reads(again, 0, 100, 1);
    reads(again, 100, 8, 2);
    reads(again, 108, 3988, 1);
    site.ask("volume resize", Map.of("volume", "vm1", "bytes", 2L * BYTES));
    assertThat(ceph().run("rbd", List.of("info", image))).contains("32 MiB");
    stop();
    configure("");
    serve();
    assertThat(disk(0).bytes()).isEqualTo(2L * BYTES);
    reads(disk(0), 108, 3988, 1);
    assertThat(warnings()).doesNotContain("vm1");
  }

  @Test
  void theNamesOfTheDiskAreKeptWithTheImage() throws Exception {
    configure(", size = " + BYTES);
    serve();
    String names = ceph().run("rbd", List.of("image-meta", "get", image, "anabranch.names"));
    stop();
    Path state = folder.resolve("state");
    assertThat(new ProcessBuilder("rm", "-r", state.toString()).start().waitFor()).isZero();
    serve();
    assertThat(ceph().run("rbd", List.of("image-meta", "get", image, "anabranch.names")))
        .isEqualTo(names);
  }

  @Test
  void aVolumeIsLeftOutWhileItsImageIsAbsentAndServedByARetry() throws Exception {
    configure("");
    serve();
    assertThat(warnings()).contains("volume vm1: it is not served").contains(image);
    write(disk(1), 0, 8, 9);
    ceph().run("rbd", List.of("create", "--size", "16M", image));
    site.ask("volume retry", Map.of("volume", "vm1"));
    Disk disk = disk(0);
    write(disk, 0, 8, 5);
    reads(disk, 0, 8, 5);
    assertThat(warnings()).doesNotContain("vm1");
  }

  @Test
  void aServerWhoseImageIsTakenOverFailsEverythingAndWritesNothing() throws Exception {
    configure(", size = " + BYTES);
    serve();
    Disk disk = disk(0);
    write(disk, 0, 8, 5);
    String locks = ceph().run("rbd", List.of("lock", "ls", "--format", "json", image));
    ceph()
        .run(
            "rbd",
            List.of(
                "lock",
                "rm",
                image,
                locks.replaceAll("(?s).*\"id\":\"([^\"]*)\".*", "$1"),
                locks.replaceAll("(?s).*\"locker\":\"([^\"]*)\".*", "$1")));
    assertThatThrownBy(() -> write(disk, 0, 8, 6)).isInstanceOf(ScsiException.class);
    assertThatThrownBy(() -> reads(disk, 0, 8, 5)).isInstanceOf(ScsiException.class);
    assertThat(warnings()).contains("RBD image " + image).contains("taken the image over");
    write(disk(1), 0, 8, 9);
    reads(disk(1), 0, 8, 9);
    stop();
    serve();
    reads(disk(0), 0, 8, 5);
  }

  /** A writer counts up each of its blocks; after each death of the OSD it reads them all. */
  @Test
  void whatIsAcknowledgedSurvivesTheDeathOfTheOsdUnderLoad() throws Exception {
    configure(", size = " + BYTES);
    serve();
    Disk disk = disk(0);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    int[] acknowledged = new int[64];
    for (int round = 1; round <= 2; round++) {
      CountDownLatch underLoad = new CountDownLatch(3);
      CompletableFuture<Void> killed =
          CompletableFuture.runAsync(() -> {
            try {
              if (!underLoad.await(60, TimeUnit.SECONDS)) {
                throw new IllegalStateException("nothing was written");
              }
              ceph().killOsd();
              ceph().startOsd();
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
          });
      int value = 0;
      while (!killed.isDone()) {
        value++;
        CompletableFuture<?>[] writes = new CompletableFuture<?>[acknowledged.length];
        for (int i = 0; i < writes.length; i++) {
          writes[i] = disk.write(i * 500L, blocks(8, (value + i) & 0x7f));
        }
        for (int i = 0; i < writes.length; i++) {
          Initiator.await(writes[i], 60);
          acknowledged[i] = (value + i) & 0x7f;
        }
        underLoad.countDown();
      }
      killed.get(60, TimeUnit.SECONDS);
      for (int i = 0; i < acknowledged.length; i++) {
        reads(disk, i * 500L, 8, acknowledged[i]);
      }
    }
    site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "wait", true));
    reads(disk, 0, 8, 0);
  }
}
