// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.cache.BootId;
import org.anabranch.block.cache.RingDamage;
import org.anabranch.block.cache.RingFile;
import org.anabranch.block.cache.WriteCacheCounter;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.serve.Server;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Write caches in a whole server: what they acknowledge, and what a server finds that another one
 * has left. {@code KillCyclesTest} and {@code HistoryKillTest} kill servers that have them.
 */
@Timeout(120)
final class WriteCacheServerTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String OFF =
      """
      volumes { vm1 { path = vm1.img, size = 8 MiB } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = vm1, 1 = "vm1@a" } } }
      """;
  private static final String ON = OFF + "write-cache.size = 2 MiB\n";

  private final Path folder;
  private final Site site;
  private final Path ring;
  private final Initiator initiator = new Initiator();
  private final List<Server> servers = new ArrayList<>();

  WriteCacheServerTest(@TempDir Path folder) {
    this.folder = folder;
    this.site = new Site(folder);
    this.ring = folder.resolve("state/write-cache");
  }

  @AfterEach
  void close() {
    servers.forEach(Server::close);
    initiator.close();
  }

  private Server start(String text) throws Exception {
    site.configure(text);
    Server server =
        Server.start(
            ConfigurationFile.read(site.configuration),
            () -> ConfigurationFile.read(site.configuration));
    servers.add(server);
    return server;
  }

  private Disk disk(Server server, int lun) throws Exception {
    return Site.Host.logIn(initiator, server.portals().getFirst(), SessionOptions.normal(TARGET))
        .disk(lun);
  }

  private static ByteBuffer block(int value) {
    byte[] bytes = new byte[4096];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.allocateDirect(4096).put(bytes).flip();
  }

  private static int read(Disk disk, long sector) throws Exception {
    return Initiator.await(disk.read(sector, 8), 30).rewind().get();
  }

  /** Who a volume or snapshot is in a ring. */
  private static String identity(Server server, String name) throws Exception {
    MappedDevice device = server.mapper().device(name);
    return Objects.requireNonNull(server.statistics().unit(device)).properties().identity().id();
  }

  private static long acknowledged(Server server) throws Exception {
    return server
        .mapper()
        .device("vm1")
        .counts()
        .counters(WriteCacheCounter.class)
        .get(WriteCacheCounter.ACKNOWLEDGED);
  }

  @Test
  void firstWritesAreAcknowledgedAndReadAsWritten() throws Exception {
    Server server = start(ON);
    Disk disk = disk(server, 0);
    for (int i = 0; i < 512; i++) {
      Initiator.await(disk.write(8L * i, block(1)), 30);
    }
    assertThat(acknowledged(server)).isZero();
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    List<CompletableFuture<?>> writes = new ArrayList<>();
    for (int i = 0; i < 512; i++) {
      writes.add(disk.write(8L * i, block(2)).toCompletableFuture());
    }
    for (CompletableFuture<?> write : writes) {
      Initiator.await(write, 30);
    }
    assertThat(acknowledged(server)).isPositive();
    for (int i = 0; i < 512; i++) {
      assertThat(read(disk, 8L * i)).isEqualTo(2);
    }
    Disk snapshot = disk(server, 1);
    for (int i = 0; i < 512; i++) {
      assertThat(read(snapshot, 8L * i)).isEqualTo(1);
    }
    assertThat(ring).exists();
    assertThat(server.warnings()).isEmpty();
    assertThat(server.stop()).isTrue();
    assertThat(ring).doesNotExist();
  }

  /** Also when writes are not cached any more, and before anybody reads. */
  @Test
  void whatADeadServerLeftIsReplayed() throws Exception {
    Server first = start(ON);
    Initiator.await(disk(first, 0).write(0, block(1)), 30);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
    String identity = identity(first, "vm1");
    assertThat(first.stop()).isTrue();
    RingDamage.leave(ring, identity, 0, block(2));
    RingDamage.leave(ring, "another disk", 0, block(3));

    Server second = start(OFF);
    assertThat(read(disk(second, 0), 0)).isEqualTo(2);
    assertThat(read(disk(second, 1), 0)).isEqualTo(1);
    assertThat(second.warnings()).isEmpty();
    assertThat(second.stop()).isTrue();
    assertThat(ring).doesNotExist();
  }

  /** A store has room for one chunk: the snapshot's acknowledged write had it. */
  @Test
  void whatIsOfASnapshotIsReplayedBeforeWhatIsOfItsVolume() throws Exception {
    String fixed = ON + "stores.autoextend.enabled = false\n";
    Server first = start(fixed);
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "a", "size", 3 * 8192));
    String volume = identity(first, "vm1");
    String snapshot = identity(first, "vm1@a");
    assertThat(first.stop()).isTrue();
    RingDamage.leave(ring, volume, 0, block(2));
    RingDamage.leave(ring, snapshot, 64, block(3));

    Server second = start(fixed);
    assertThat(read(disk(second, 0), 0)).isEqualTo(2);
    // The write to the volume did not fit any more, which ends a snapshot and no volume.
    assertThat(second.warnings()).singleElement().asString().contains("vm1@a").contains("invalid");
  }

  @Test
  void whatIsOfAVolumeWithoutLunIsReplayedToo() throws Exception {
    Server first = start(ON);
    String identity = identity(first, "vm1");
    assertThat(first.stop()).isTrue();
    RingDamage.leave(ring, identity, 0, block(2));
    Server second = start("volumes { vm1 { path = vm1.img, size = 8 MiB } }\n");
    assertThat(second.stop()).isTrue();
    assertThat(ring).doesNotExist();
    assertThat(read(disk(start(OFF), 0), 0)).isEqualTo(2);
  }

  @Test
  void whatIsOfAVolumeThatIsLeftOutWaitsForIt() throws Exception {
    Server first = start(ON);
    String identity = identity(first, "vm1");
    assertThat(first.stop()).isTrue();
    RingDamage.leave(ring, identity, 0, block(2));
    Path image = folder.resolve("vm1.img");
    Path away = folder.resolve("away.img");
    Files.move(image, away);
    Server second = start(ON);
    assertThat(second.warnings().toString())
        .contains("acknowledged writes of disk " + identity + " wait until it is served again");
    assertThat(second.stop()).isTrue();
    assertThat(ring).exists();
    Files.move(away, image);
    Server third = start(ON);
    assertThat(read(disk(third, 0), 0)).isEqualTo(2);
    assertThat(third.stop()).isTrue();
    assertThat(ring).doesNotExist();
  }

  @Test
  void ringThatIsInUseIsNotPassedOver() throws Exception {
    Server first = start(ON);
    assertThat(first.stop()).isTrue();
    try (RingFile file = RingFile.open(ring, 1, BootId.current())) {
      assertThatThrownBy(() -> start(ON))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("in use by this process");
      assertThat(file.ring().isEmpty()).isTrue();
    }
  }

  @Test
  void ringThatCannotBeMadeIsAWarning() throws Exception {
    Server server = start(OFF + "write-cache { size = 1 MiB, path = no/such/folder/ring }\n");
    assertThat(server.warnings().toString()).contains("so no write is cached");
    Initiator.await(disk(server, 0).write(0, block(1)), 30);
  }

  /** The file is gone then: otherwise it would hold the last space, and no server would start. */
  @Test
  void ringThatHasNoSpaceIsAWarningEachTime() throws Exception {
    Path mount = Files.createDirectory(folder.resolve("mount"));
    mount("-t", "tmpfs", "-o", "size=512k", "ring", mount);
    try {
      for (int i = 0; i < 2; i++) {
        Server server =
            start(OFF + "write-cache { size = 1 MiB, path = \"" + mount + "/ring\" }\n");
        assertThat(server.warnings().toString()).contains("No space left on device");
        assertThat(mount.resolve("ring")).doesNotExist();
        Initiator.await(disk(server, 0).write(0, block(1)), 30);
        assertThat(server.stop()).isTrue();
      }
    } finally {
      Tools.run(10, "umount", "-l", mount.toString())
          .expect(0); // the ring stays mapped for a while
    }
  }

  @Test
  void ringIsNotMadeWhereAMappedPageMayHaveNoSpace() throws Exception {
    Tools.require("mkfs.btrfs");
    Path image = folder.resolve("btrfs.img");
    Tools.run(10, "truncate", "-s", "128M", image.toString()).expect(0);
    Tools.run(30, "mkfs.btrfs", "-q", image.toString()).expect(0);
    Path mount = Files.createDirectory(folder.resolve("mount"));
    mount("-o", "loop", image.toString(), mount);
    try {
      String text = OFF + "write-cache { size = 1 MiB, path = \"" + mount + "/ring\" }\n";
      Server server = start(text);
      String identity = identity(server, "vm1");
      assertThat(server.warnings().toString()).contains("it cannot be on btrfs, so no write");
      assertThat(mount.resolve("ring")).doesNotExist();
      assertThat(server.stop()).isTrue();
      RingDamage.leave(mount.resolve("ring"), identity, 0, block(2));

      Server second = start(text);
      assertThat(read(disk(second, 0), 0)).isEqualTo(2); // what is there is replayed
      assertThat(second.warnings().toString()).contains("it cannot be on btrfs");
      assertThat(second.stop()).isTrue();
      assertThat(mount.resolve("ring")).doesNotExist();
    } finally {
      Tools.run(10, "umount", "-l", mount.toString())
          .expect(0); // the ring stays mapped for a while
    }
  }

  private static void mount(Object... arguments) throws Exception {
    List<String> line = new ArrayList<>(List.of("mount"));
    for (Object argument : arguments) {
      line.add(argument.toString());
    }
    Tools.Result result = Tools.run(10, line.toArray(String[]::new));
    assumeThat(result.status()).as("mounts are not allowed: " + result.output()).isZero();
  }
}
