// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.anabranch.block.testing.Await;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.admin.ConfigurationSource;
import org.anabranch.server.serve.Server;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.state.StateFile;
import org.junit.jupiter.api.Test;
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
        volumes { vm1 { path = vm1.img, size = 1 MiB }, vm2 { path = vm2.img, size = 1 MiB } }
        targets { "iqn.2026-11.org.example:t" {
          luns { 0 = vm1, 1 = "vm1@a", 2 = vm2, 3 = "vm2@a" }
        } }
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
  private Server startWithMergesHeld() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    DurableSteps steps =
        step -> {
          if (Thread.currentThread().getName().equals("merges")) {
            await(started);
          }
        };
    Server server = Server.start(configuration(), ConfigurationSource.NONE, steps);
    started.countDown();
    return server;
  }

  /** What the state file says of these snapshots when the server starts. */
  private void left(UnaryOperator<SnapshotState> change, String... devices) throws Exception {
    StateFile file = new StateFile(folder.resolve("state/state.json"));
    RuntimeState state = file.state();
    for (String device : devices) {
      state = state.with(change.apply(Objects.requireNonNull(state.snapshot(device))));
    }
    file.replace(state);
  }

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
    left(snapshot -> snapshot.in(phase, 1), "vm1@a");
    try (Server server = startWithMergesHeld()) {
      Await.until("the snapshot is merged", () -> server.snapshots().list("vm1"), List::isEmpty);
      assertThat(server.storage().devices().has("vm1@a")).isFalse();
      assertThat(server.warnings()).isEmpty();
      assertThat(values(server)).isEqualTo(Map.of(0, 0, 2, 7));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Phase.class,
      names = {"QUEUED", "WAITING"})
  void soDoThoseOfAGroup(Phase phase) throws Exception {
    try (Server server = Server.start(configuration());
        Initiator initiator = new Initiator()) {
      server.snapshots().create("vm1", "a", 16, 0, false);
      server.snapshots().create("vm2", "a", 16, 0, false);
      write(initiator, server, 7);
    }
    left(snapshot -> snapshot.in(phase, 1), "vm1@a", "vm2@a");
    try (Server server = startWithMergesHeld()) {
      Await.until("both are merged", () -> server.snapshots().list(null), List::isEmpty);
      assertThat(server.storage().devices().has("vm1@a")).isFalse();
      assertThat(server.storage().devices().has("vm2@a")).isFalse();
      assertThat(server.warnings()).isEmpty();
      assertThat(values(server)).isEqualTo(Map.of(0, 0, 2, 0));
    }
  }

  /** The LUN stays, with the same contents; its device is there before, during and after. */
  @ParameterizedTest
  @EnumSource(
      value = Phase.class,
      names = {"QUEUED", "WAITING"})
  void oneThatKeepsItsSnapshotKeepsItsLun(Phase phase) throws Exception {
    try (Server server = Server.start(configuration());
        Initiator initiator = new Initiator()) {
      server.snapshots().create("vm1", "a", 16, 0, false);
      server.snapshots().create("vm2", "a", 16, 0, false);
      write(initiator, server, 7);
    }
    left(
        snapshot ->
            snapshot.withSecondStore(snapshot.store().replace("@a.cow", "@a~2.cow")).in(phase, 1),
        "vm1@a",
        "vm2@a");
    try (Server server = startWithMergesHeld()) {
      Await.until(
          "both are merged, and kept",
          () -> server.snapshots().list(null),
          all ->
              all.size() == 2
                  && all.stream()
                      .allMatch(
                          each -> each.phase() == Phase.READY && each.store().contains("~2")));
      assertThat(server.warnings()).isEmpty();
      assertThat(values(server)).isEqualTo(Map.of(0, 0, 1, 0, 2, 0, 3, 0));
      try (Initiator initiator = new Initiator()) {
        write(initiator, server, 9);
      }
      assertThat(values(server)).isEqualTo(Map.of(0, 9, 1, 0, 2, 9, 3, 0));
    }
  }

  /** After a restart it waits as others do: it begins when the host has logged out. */
  @Test
  void oneThatWasToBeginAtALoginBeginsAfterTheLogout() throws Exception {
    try (Server server = Server.start(configuration());
        Initiator initiator = new Initiator()) {
      server.snapshots().create("vm1", "a", 16, 0, false);
      write(initiator, server, 7);
      Site.Host host = logIn(initiator, server);
      assertThat(value(host, 0)).isEqualTo(7);
      host.session().close(); // cut off in the middle of its work
      MergeRequest request =
          new MergeRequest(
              List.of("vm1@a"),
              MergeRequest.Begin.ON_NEXT_LOGIN,
              MergeRequest.TIME_LIMIT,
              null,
              null,
              false);
      assertThat(server.snapshots().merge(request).phase()).isEqualTo(Phase.WAITING);
    }
    try (Server server = startWithMergesHeld();
        Initiator initiator = new Initiator()) {
      Site.Host host = logIn(initiator, server);
      assertThat(value(host, 0)).isEqualTo(7);
      assertThat(value(host, 1)).isZero();
      assertThat(server.snapshots().list("vm1"))
          .singleElement()
          .extracting(SnapshotState::phase)
          .isEqualTo(Phase.WAITING);
      Initiator.await(host.session().logout(), 30);
      Await.until("the snapshot is merged", () -> server.snapshots().list("vm1"), List::isEmpty);
      assertThat(server.storage().devices().has("vm1@a")).isFalse();
      assertThat(values(server)).isEqualTo(Map.of(0, 0, 2, 7));
    }
  }

  private static void await(CountDownLatch started) {
    try {
      var _ = started.await(2, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static Site.Host logIn(Initiator initiator, Server server) throws Exception {
    return Site.Host.logIn(initiator, server.portals().getFirst(), SessionOptions.normal(TARGET));
  }

  /** To both volumes. */
  private static void write(Initiator initiator, Server server, int value) throws Exception {
    Site.Host host = logIn(initiator, server);
    for (int lun : List.of(0, 2)) {
      Disk disk = host.disk(lun);
      Initiator.await(disk.write(0, ByteBuffer.allocate(4096).putInt(0, value)), 30);
    }
    Initiator.await(host.session().logout(), 30);
    host.awaitClosed();
  }

  private static int value(Site.Host host, int lun) throws Exception {
    return Initiator.await(host.disk(lun).read(0, 8), 30).getInt(0);
  }

  /** What each LUN begins with. */
  private static Map<Integer, Integer> values(Server server) throws Exception {
    try (Initiator initiator = new Initiator()) {
      Site.Host host = logIn(initiator, server);
      Map<Integer, Integer> values = new TreeMap<>();
      for (int lun : host.luns()) {
        values.put(lun, value(host, lun));
      }
      Initiator.await(host.session().logout(), 30);
      host.awaitClosed();
      return values;
    }
  }
}
