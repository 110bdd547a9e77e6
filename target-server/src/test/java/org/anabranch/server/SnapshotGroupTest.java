// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.serve.Server;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.SnapshotState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
            worlds.add(copy(base, folder.resolve("world " + worlds.size() + " " + step)));
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

  private static Path copy(Path base, Path world) {
    try (Stream<Path> walk = Files.walk(base)) {
      for (Path file : walk.filter(Files::isRegularFile).sorted().toList()) {
        Path to = world.resolve(base.relativize(file).toString());
        Files.createDirectories(Objects.requireNonNull(to.getParent()));
        Files.copy(file, to);
      }
      return world;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
