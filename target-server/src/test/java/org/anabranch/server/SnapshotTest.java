// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.control.ControlClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Snapshots through the control socket, under a real initiator, over kills and restarts. */
final class SnapshotTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      anabranch {
        portals = ["127.0.0.1:0"], state-dir = state
        volumes { vm1 { path = vm1.img, size = 32 MiB } }
        targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 = "vm1@before" } } }
      }
      """;
  private static final int BYTES = 32 << 20;
  private static final int BLOCK = 64 << 10;

  @TempDir Path folder;

  private Path socket() {
    return folder.resolve("state/control.sock");
  }

  private String anabranch(int status, String... words) {
    return new Site(folder).anabranch(status, words);
  }

  private static Disk attach(Initiator initiator, ServerProcess server, int lun) throws Exception {
    InetSocketAddress portal =
        new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), server.port());
    Session session = Initiator.await(initiator.login(portal, SessionOptions.normal(TARGET)), 30);
    return Initiator.await(Disk.open(session, lun), 30);
  }

  /** Waits for the end of every merge and removal. */
  private void awaitNoSnapshot() throws Exception {
    ControlClient client = new ControlClient(socket());
    Await.until(
        "no snapshot is left",
        () -> List.of().equals(client.ask("snapshot list", Map.of(), p -> {}).get("snapshots")));
  }

  private void awaitBegun(String snapshot) throws Exception {
    ControlClient client = new ControlClient(socket());
    Await.until(
        "the rollback has begun",
        () ->
            ((List<?>)
                    Objects.requireNonNull(
                        client.ask("snapshot list", Map.of(), p -> {}).get("snapshots")))
                .stream()
                    .map(each -> (Map<?, ?>) each)
                    .noneMatch(each ->
                        snapshot.equals(each.get("name")) && "waiting".equals(each.get("phase"))));
  }

  private static byte[] contents(long seed) {
    byte[] bytes = new byte[BYTES];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static void write(Disk disk, byte[] bytes) throws Exception {
    for (int at = 0; at < bytes.length; at += BLOCK) {
      Initiator.await(disk.write(at / 512, ByteBuffer.wrap(bytes, at, BLOCK).slice()), 30);
    }
    Initiator.await(disk.flush(), 30);
  }

  private static byte[] read(Disk disk) throws Exception {
    ByteBuffer all = ByteBuffer.allocate(BYTES);
    for (int at = 0; at < BYTES; at += BLOCK) {
      ByteBuffer data = Initiator.await(disk.read(at / 512, BLOCK / 512), 30);
      data.rewind();
      all.put(data);
    }
    return all.array();
  }

  private List<String> stores() throws IOException {
    if (!Files.exists(folder.resolve("state/cow"))) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder.resolve("state/cow"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aSnapshotIsALunAtOnceAndRollsBackUnderItsInitiator() throws Exception {
    byte[] old = contents(1);
    byte[] upgraded = contents(2);
    try (ServerProcess server = ServerProcess.serving(folder, CONFIGURATION);
        Initiator initiator = new Initiator()) {
      Disk disk = attach(initiator, server, 0);
      write(disk, old);
      assertThat(Initiator.await(Disk.reportLuns(disk.session()), 30)).containsExactly(0);
      assertThat(anabranch(0, "snapshot", "create", "vm1@before"))
          .isEqualTo("snapshot vm1@before taken\n");
      assertThat(Initiator.await(Disk.reportLuns(disk.session()), 30)).containsExactly(0, 1);

      write(disk, upgraded);
      assertThat(read(Initiator.await(Disk.open(disk.session(), 1), 30))).isEqualTo(old);
      assertThat(read(disk)).isEqualTo(upgraded);
      assertThat(anabranch(0, "snapshot", "list")).contains("vm1@before").contains("ready");
      assertThat(anabranch(0, "dm", "table", "vm1")).startsWith("0 65536 snapshot-origin ");
      assertThat(anabranch(1, "snapshot", "remove", "vm1@before"))
          .contains(
              "vm1@before is a LUN of a target that has 1 session; log out there, or use --force");

      assertThat(anabranch(0, "snapshot", "merge", "--now", "vm1@before"))
          .contains("volume vm1 reads as vm1@before now");
      assertThat(read(disk)).isEqualTo(old);
      assertThat(anabranch(0, "dm", "status", "vm1")).contains(" snapshot-");
      awaitNoSnapshot();
      assertThat(read(disk)).isEqualTo(old);
      assertThat(Initiator.await(Disk.reportLuns(disk.session()), 30)).containsExactly(0);
      assertThat(stores()).isEmpty();
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void whatWasMadeComesBackAfterAKill() throws Exception {
    byte[] old = contents(3);
    byte[] upgraded = contents(4);
    try (Initiator initiator = new Initiator()) {
      try (ServerProcess server = ServerProcess.serving(folder, CONFIGURATION)) {
        Disk disk = attach(initiator, server, 0);
        write(disk, old);
        anabranch(0, "snapshot", "create", "vm1@before");
        anabranch(0, "snapshot", "create", "vm1@other", "--read-only");
        write(disk, upgraded);
      } // killed
      try (ServerProcess server = ServerProcess.serving(folder, CONFIGURATION)) {
        Disk disk = attach(initiator, server, 0);
        assertThat(read(disk)).isEqualTo(upgraded);
        assertThat(read(Initiator.await(Disk.open(disk.session(), 1), 30))).isEqualTo(old);
        assertThat(anabranch(0, "snapshot", "merge", "vm1@before"))
            .contains("will be rolled back when nobody uses it");
      } // killed with the merge still waiting
      try (ServerProcess server = ServerProcess.serving(folder, CONFIGURATION)) {
        Disk disk = attach(initiator, server, 0);
        assertThat(read(disk)).isEqualTo(upgraded); // it never logged out
        Initiator.await(disk.session().logout(), 30);
        awaitBegun("vm1@before"); // who logs in before that uses the volume, and it waits again
        disk = attach(initiator, server, 0);
        assertThat(read(disk)).isEqualTo(old);
        write(disk, upgraded);
      } // killed, merging or merged
      try (ServerProcess server = ServerProcess.serving(folder, CONFIGURATION)) {
        Disk disk = attach(initiator, server, 0);
        assertThat(read(disk)).isEqualTo(upgraded);
        anabranch(0, "snapshot", "remove", "vm1@other");
        assertThat(server.terminate()).isZero();
      }
    }
    try (ServerProcess server = ServerProcess.serving(folder, CONFIGURATION)) {
      assertThat(new ControlClient(socket()).ask("snapshot list", Map.of(), p -> {}))
          .containsEntry("snapshots", List.of());
      assertThat(stores()).isEmpty();
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void refusalsNameTheThingAndTheRemedy() throws Exception {
    try (ServerProcess server = ServerProcess.serving(folder, CONFIGURATION)) {
      assertThat(anabranch(1, "snapshot", "create", "vm2@x"))
          .contains("there is no volume vm2; there are: vm1");
      assertThat(anabranch(2, "snapshot", "create", "vm1")).contains("not VOLUME@NAME: vm1");
      anabranch(0, "snapshot", "create", "vm1@x");
      assertThat(anabranch(1, "snapshot", "create", "vm1@x")).contains("snapshot vm1@x exists");
      assertThat(anabranch(1, "snapshot", "merge", "vm1@y"))
          .contains("there is no snapshot vm1@y; there are: vm1@x");
      assertThat(anabranch(1, "snapshot", "pause", "vm1@x"))
          .contains("no rollback to snapshot vm1@x is under way");
      assertThat(anabranch(1, "session", "drop", "77")).contains("there is no session 77");
      assertThat(server.terminate()).isZero();
    }
    assertThat(anabranch(1, "status")).contains("no server has its control socket at " + socket());
  }
}
