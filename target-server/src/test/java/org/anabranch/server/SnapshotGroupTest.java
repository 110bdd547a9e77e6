// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.block.testing.Await;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.serve.Server;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.SnapshotState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Snapshots of several volumes at one instant. */
final class SnapshotGroupTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      """
      volumes { a { path = a.img, size = 1 MiB }, b { path = b.img, size = 1 MiB } }
      targets { "iqn.2026-11.org.example:t" {
        luns { 0 = a, 1 = b, 2 = "a@x", 3 = "b@x", 4 = "a@y", 5 = "b@y" }
      } }
      """;

  @TempDir private Path folder;

  private static void put(Disk disk, int value) throws Exception {
    Initiator.await(disk.write(0, ByteBuffer.allocate(4096).putInt(0, value)), 30);
  }

  private static int get(Disk disk) throws Exception {
    return Initiator.await(disk.read(0, 8), 30).getInt(0);
  }

  /** The writer writes to a, and after the answer the same to b: b is never ahead of a. */
  @Test
  void nothingIsInOneThatCameAfterWhatIsMissingInTheOther() throws Exception {
    Site site = new Site(folder);
    AtomicBoolean over = new AtomicBoolean();
    AtomicReference<Exception> failure = new AtomicReference<>();
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk a = host.disk(0);
      Disk b = host.disk(1);
      put(a, 0);
      put(b, 0);
      Thread writer =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  for (int i = 1; !over.get(); i++) {
                    put(a, i);
                    put(b, i);
                  }
                } catch (Exception e) {
                  failure.set(e);
                }
              });
      for (int round = 0; round < 20; round++) {
        Map<String, Object> taken =
            site.ask("snapshot create", Map.of("names", List.of("b@x", "a@x")));
        assertThat((List<?>) taken.get("snapshots")).hasSize(2);
        int inA = get(host.disk(2));
        assertThat(get(host.disk(3))).isBetween(inA - 1, inA);
        site.ask("snapshot remove", Map.of("name", "a@x", "force", true));
        site.ask("snapshot remove", Map.of("name", "b@x", "force", true));
      }
      over.set(true);
      writer.join(30_000);
      assertThat(failure.get()).isNull();
    }
  }

  @Test
  void allOrNone() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.ask("snapshot create", Map.of("volume", "b", "name", "y"));
      assertThat(site.refusal("snapshot create", Map.of("names", List.of("a@y", "b@y"))))
          .contains("snapshot b@y exists");
      assertThat(site.refusal("snapshot create", Map.of("names", List.of("a@y", "a@x"))))
          .contains("volume a is named twice");
      Files.writeString(folder.resolve("state/cow/b@x.cow"), "in the way");
      assertThat(site.refusal("snapshot create", Map.of("names", List.of("a@x", "b@x"))))
          .contains("b@x.cow exists");
      site.dm("suspend", "b");
      Files.delete(folder.resolve("state/cow/b@x.cow"));
      assertThat(site.refusal("snapshot create", Map.of("names", List.of("a@x", "b@x"))))
          .contains("volume b is suspended");
      site.dm("resume", "b");
      assertThat(site.ask("snapshot list", Map.of()).toString()).doesNotContain("a@");
      assertThat(site.anabranch(0, "snapshot", "create", "a@x", "b@x"))
          .isEqualTo("snapshots a@x, b@x taken\n");
      assertThat(server.terminate()).isZero();
    }
  }

  /** A crash after any step that changes what it would leave. */
  @Test
  void aCrashLeavesAllOrNone() throws Exception {
    Path base = Files.createDirectory(folder.resolve("base"));
    List<Path> worlds = new ArrayList<>();
    AtomicBoolean recording = new AtomicBoolean();
    DurableSteps steps =
        step -> {
          if (recording.get()) {
            worlds.add(FolderCopy.of(base, folder.resolve("world " + worlds.size() + " " + step)));
          }
        };
    try (Server server = start(base, steps)) {
      recording.set(true);
      client(base).ask("snapshot create", Map.of("names", List.of("a@x", "b@x")), p -> {});
      recording.set(false);
      assertThat(server.snapshots().list(null)).hasSize(2);
    }
    int none = 0;
    for (Path world : worlds) {
      try (Server server = start(world, DurableSteps.UNWATCHED)) {
        List<SnapshotState> there = server.snapshots().list(null);
        assertThat(there.size()).as(world.toString()).isIn(0, 2);
        assertThat(there).allMatch(each -> each.phase() == SnapshotState.Phase.READY);
        none += there.isEmpty() ? 1 : 0;
      }
    }
    assertThat(none).isBetween(1, worlds.size() - 1);
  }

  private static void put(Server server, int value) throws Exception {
    try (Initiator initiator = new Initiator()) {
      Site.Host host = logIn(initiator, server);
      put(host.disk(0), value);
      put(host.disk(1), value);
      Initiator.await(host.session().logout(), 30);
      host.awaitClosed();
    }
  }

  /** What LUN 0 and LUN 1 have, and the snapshots of the group if they are there. */
  private static List<Integer> values(Server server) throws Exception {
    try (Initiator initiator = new Initiator()) {
      Site.Host host = logIn(initiator, server);
      List<Integer> values = new ArrayList<>();
      for (int lun : host.luns()) {
        values.add(get(host.disk(lun)));
      }
      Initiator.await(host.session().logout(), 30);
      host.awaitClosed();
      return values;
    }
  }

  private static Site.Host logIn(Initiator initiator, Server server) throws Exception {
    return Site.Host.logIn(initiator, server.portals().getFirst(), SessionOptions.normal(TARGET));
  }

  private static void awaitReady(Server server) throws Exception {
    Await.until(
        "no merge is under way",
        () -> server.snapshots().list(null),
        all -> all.stream().allMatch(each -> each.phase() == SnapshotState.Phase.READY));
  }

  /** Both volumes are rolled back, or none is, whatever a crash leaves. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCrashRollsBackAllOrNone(boolean keep) throws Exception {
    Path base = Files.createDirectory(folder.resolve("base"));
    List<Path> worlds = new ArrayList<>();
    AtomicBoolean recording = new AtomicBoolean();
    DurableSteps steps =
        step -> {
          if (recording.get()) {
            worlds.add(FolderCopy.of(base, folder.resolve("world " + worlds.size() + " " + step)));
          }
        };
    List<Integer> before = List.of(2, 2, 1, 1);
    List<Integer> after = keep ? List.of(1, 1, 1, 1) : List.of(1, 1);
    try (Server server = start(base, steps)) {
      put(server, 1);
      client(base).ask("snapshot create", Map.of("names", List.of("a@x", "b@x")), p -> {});
      put(server, 2);
      recording.set(true);
      client(base)
          .ask(
              "snapshot merge",
              Map.of("names", List.of("b@x", "a@x"), "now", true, "keep", keep),
              p -> {});
      awaitReady(server);
      recording.set(false);
      assertThat(values(server)).isEqualTo(after);
    }
    int none = 0;
    for (Path world : worlds) {
      try (Server server = start(world, DurableSteps.UNWATCHED)) {
        awaitReady(server);
        List<Integer> found = values(server);
        assertThat(found).as(world.toString()).isIn(before, after);
        none += found.equals(before) ? 1 : 0;
        put(server, 3);
        if (found.size() == 4) {
          assertThat(values(server)).as(world.toString()).containsExactly(3, 3, 1, 1);
        }
      }
    }
    assertThat(none).isBetween(1, worlds.size() - 1);
  }

  /** A write that b has lost was answered after one that a has kept: then it was no one instant. */
  @Test
  void aRollbackUnderAWriterIsOneInstant() throws Exception {
    Site site = new Site(folder);
    AtomicBoolean over = new AtomicBoolean();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk a = host.disk(0);
      Disk b = host.disk(1);
      put(a, 0);
      put(b, 0);
      site.ask("snapshot create", Map.of("names", List.of("b@x", "a@x")));
      Thread writer =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  for (int i = 1; !over.get(); i++) {
                    put(a, i);
                    put(b, i);
                    int inB = get(b); // before a is read: a rollback in between does not look wrong
                    assertThat(get(a) == i && inB != i).as("b has lost write %d", i).isFalse();
                  }
                } catch (Exception | AssertionError e) {
                  failure.set(e);
                }
              });
      for (int round = 0; round < 10; round++) {
        site.ask(
            "snapshot merge",
            Map.of("names", List.of("b@x", "a@x"), "now", true, "keep", true, "wait", true));
        assertThat(get(host.disk(2))).isZero();
        assertThat(get(host.disk(3))).isZero();
      }
      over.set(true);
      writer.join(30_000);
      assertThat(failure.get()).isNull();
    }
  }

  @Test
  void aGroupIsAskedForCancelledAndRemovedAsAWhole() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      site.ask("snapshot create", Map.of("names", List.of("b@x", "a@x")));
      site.ask("snapshot create", Map.of("names", List.of("a@y")));
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      put(host.disk(0), 5);
      put(host.disk(1), 5);
      assertThat(site.refusal("snapshot merge", Map.of("names", List.of("a@x", "a@y"))))
          .contains("volume a is named twice");
      assertThat(
              site.refusal(
                  "snapshot merge", Map.of("names", List.of("a@x", "b@x"), "on-next-login", true)))
          .contains("cannot be rolled back at a login");
      assertThat(site.anabranch(0, "snapshot", "merge", "a@x", "b@x"))
          .contains("volume a will be rolled back", "volume b will be rolled back");
      assertThat(site.refusal("snapshot merge", Map.of("name", "a@x", "now", true)))
          .contains("is to be rolled back to together with b@x");
      assertThat(site.refusal("snapshot remove", Map.of("name", "a@x")))
          .contains("waits to be rolled back to");
      assertThat(site.anabranch(0, "snapshot", "merge", "--cancel", "b@x"))
          .contains(
              "volume a will not be rolled back to a@x", "volume b will not be rolled back to b@x");
      assertThat(site.ask("snapshot list", Map.of()).toString()).doesNotContain("phase=waiting");
      // They begin when nobody uses one of them, also after a restart.
      site.anabranch(0, "snapshot", "rollback", "--keep", "a@x", "b@x");
      assertThat(server.terminate()).isZero();
    }
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      assertThat(site.ask("snapshot list", Map.of()).toString())
          .contains("phase=waiting", "kept=true");
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      assertThat(get(host.disk(0))).isEqualTo(5);
      Initiator.await(host.session().logout(), 30);
      host.awaitClosed();
      Await.until(
          "both are rolled back",
          () -> site.ask("snapshot list", Map.of()).toString(),
          list -> !list.contains("phase=waiting") && !list.contains("phase=merging"));
      Site.Host again = Site.Host.logIn(initiator, server, TARGET);
      assertThat(get(again.disk(0))).isZero();
      assertThat(get(again.disk(1))).isZero();
      assertThat(get(again.disk(2))).isZero();
      assertThat(get(again.disk(3))).isZero();
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

  private static ControlClient client(Path at) {
    return new ControlClient(at.resolve("state/control.sock"));
  }
}
