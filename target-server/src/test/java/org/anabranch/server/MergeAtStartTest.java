// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.admin.ConfigurationSource;
import org.anabranch.server.serve.Server;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.state.StateFile;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Merges that wait when the server starts, of snapshots that are LUNs. */
final class MergeAtStartTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String TEXT =
      """
      anabranch {
        portals = ["127.0.0.1:0"]
        state-dir = state
        volumes { vm1 { path = vm1.img, size = 1 MiB } }
        targets { "iqn.2026-11.org.example:t" { luns { 0 = vm1, 1 = "vm1@a" } } }
      }
      """;

  @TempDir private Path folder;

  private Configuration configuration() throws Exception {
    return ConfigurationFile.parse("test", TEXT, folder);
  }

  /**
   * The merge is stopped at its first durable step until the server has started, or until it is
   * clear that this waits for the merge: had it begun before the LUNs were attached, one would hold
   * the snapshot's device now.
   */
  @ParameterizedTest
  @EnumSource(
      value = Phase.class,
      names = {"QUEUED", "WAITING"})
  void theyBeginWhenTheLunsAreAttached(Phase phase) throws Exception {
    try (Server server = Server.start(configuration());
        Initiator initiator = new Initiator()) {
      server.snapshots().create("vm1", "a", 16, 0, false);
      write(initiator, server, 7);
    }
    StateFile state = new StateFile(folder.resolve("state/state.json"));
    SnapshotState snapshot = Objects.requireNonNull(state.state().snapshot("vm1@a"));
    state.replace(state.state().with(snapshot.in(phase, 1)));

    CountDownLatch started = new CountDownLatch(1);
    DurableSteps steps =
        step -> {
          if (Thread.currentThread().getName().equals("merges")) {
            await(started);
          }
        };
    try (Server server = Server.start(configuration(), ConfigurationSource.NONE, steps)) {
      started.countDown();
      Await.until("the snapshot is merged", () -> server.snapshots().list("vm1"), List::isEmpty);
      assertThat(server.storage().devices().has("vm1@a")).isFalse();
      assertThat(server.warnings()).isEmpty();
    }
  }

  private static void await(CountDownLatch started) {
    try {
      var _ = started.await(2, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void write(Initiator initiator, Server server, int value) throws Exception {
    String portal = server.portals().getFirst();
    Site.Host host = Site.Host.logIn(initiator, portal, SessionOptions.normal(TARGET));
    Disk disk = host.disk(0);
    Initiator.await(disk.write(0, ByteBuffer.allocate(4096).putInt(0, value)), 30);
    Initiator.await(host.session().logout(), 30);
  }
}
