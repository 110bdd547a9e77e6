// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.anabranch.block.testing.Await;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.storage.Backends;
import org.anabranch.server.storage.MemoryBackend;
import org.anabranch.server.storage.file.FileBackend;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A volume whose image is not a file: served, snapshotted, rolled back, resized, recognised. */
final class OtherBackendTest {
  private static final String TARGET = "iqn.2026-11.org.example:memory";
  private static final Path IMAGE = Path.of("/memory/m");
  private static final long PATIENCE = 60;

  @TempDir Path folder;
  private final MemoryBackend memory = new MemoryBackend();

  private Server start() throws Exception {
    Configuration configuration =
        ConfigurationFile.parse(
            "test",
            """
            anabranch {
              portals = ["127.0.0.1:0"], state-dir = state
              volumes { m { path = %s, size = 1MiB }, f { path = f.img, size = 1MiB } }
              devices { part = "0 8 linear m 8" }
              targets { "%s" { luns { 0 = m, 1 = f, 2 = part, 3 = "m@before" } } }
            }
            """
                .formatted(IMAGE, TARGET),
            folder);
    return Server.start(configuration, new Backends(List.of(memory, new FileBackend())));
  }

  private static Session logIn(Initiator initiator, Server server) throws Exception {
    String portal = server.portals().getFirst();
    int port = Integer.parseInt(portal.substring(portal.lastIndexOf(':') + 1));
    return Initiator.await(
        initiator.login(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
            SessionOptions.normal(TARGET)),
        PATIENCE);
  }

  private static Disk disk(Session session, int lun) throws Exception {
    return Initiator.await(Disk.open(session, lun), PATIENCE);
  }

  private static ByteBuffer block(int fill) {
    byte[] bytes = new byte[8 * 512];
    Arrays.fill(bytes, (byte) fill);
    return ByteBuffer.wrap(bytes);
  }

  private static void write(Disk disk, long lba, int fill) throws Exception {
    Initiator.await(disk.write(lba, block(fill)), PATIENCE);
  }

  private static ByteBuffer read(Disk disk, long lba) throws Exception {
    return Initiator.await(disk.read(lba, 8), PATIENCE);
  }

  @Test
  void aLunIsServedSnapshottedRolledBackAndGrown() throws Exception {
    try (Initiator initiator = new Initiator()) {
      try (Server server = start()) {
        assertThat(server.storage().leftOut().all()).isEmpty();
        Session session = logIn(initiator, server);
        Disk disk = disk(session, 0);
        assertThat(disk.bytes()).isEqualTo(1 << 20);
        write(disk, 8, 1);
        assertThat(read(disk(session, 2), 0)).isEqualTo(block(1));
        server.snapshots().create("m", "before", 8, 0, false);
        write(disk, 8, 2);
        assertThat(read(disk(session, 3), 8)).isEqualTo(block(1));
        server.snapshots().merge(MergeRequest.of("m@before", MergeRequest.Begin.NOW));
        Await.until("the end of the merge", () -> server.snapshots().list("m").isEmpty());
        assertThat(read(disk(session, 0), 8)).isEqualTo(block(1));
        server.resize("m", 4096, false, false);
        assertThat(disk(session, 0).blocks()).isEqualTo(4096);
        assertThatThrownBy(() -> server.resize("m", 2048, false, true))
            .isInstanceOf(RefusedException.class);
        write(disk(session, 1), 0, 3);
      }
      try (Server server = start()) {
        Disk disk = disk(logIn(initiator, server), 0);
        assertThat(disk.blocks()).as("after a restart").isEqualTo(4096);
        assertThat(read(disk, 8)).isEqualTo(block(1));
      }
    }
    assertThat(IMAGE).doesNotExist();
    assertThat(folder.resolve("f.img")).exists();
  }

  /** Behind a backend may be a server far away that takes one client at a time. */
  @Test
  void aStartLooksOnceBeforeItOpensAnImageAndOnceAfterwards() throws Exception {
    start().close();
    var _ = memory.looks();
    try (Server _ = start()) {
      assertThat(memory.looks()).isEqualTo(2);
    }
  }

  @Test
  void anotherImageInItsPlaceIsNoticedAndAdopted() throws Exception {
    try (Server server = start()) {
      server.snapshots().create("m", "before", 8, 0, false);
    }
    memory.replace(IMAGE.toString());
    try (Server server = start()) {
      assertThat(server.storage().leftOut().all().toString())
          .contains("the image at " + IMAGE + " is not the one that was served there before");
      assertThat(server.storage().leftOut().get("f")).isNull();
      assertThat(server.recovery().adopt("m").toString()).contains("volume m is served again");
    }
  }
}
