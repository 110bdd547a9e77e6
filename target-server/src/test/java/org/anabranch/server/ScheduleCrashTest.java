// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.anabranch.block.testing.Await;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.serve.Server;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.ScheduledBy;
import org.anabranch.server.state.SnapshotState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server dies at any durable step of a scheduled run, which takes two snapshots and removes two
 * older ones: afterwards the snapshots of the run are there once, and no store without its
 * snapshot. The same for a pause and for a changed schedule.
 */
final class ScheduleCrashTest {
  /** Due so seldom that no test sees it twice. */
  private static final String CONFIGURATION =
      """
      anabranch {
        portals = ["127.0.0.1:0"], state-dir = state
        volumes { a { path = a.img, size = 1 MiB }, b { path = b.img, size = 1 MiB } }
        snapshots { seldom { volumes = [a, b], every = 366 d, keep = 1 } }
      }
      """;

  @TempDir private Path folder;
  private final List<Path> worlds = new ArrayList<>(); // guarded by this
  private boolean recording; // guarded by this

  /** Keeps a copy of the folder at each step while it records. Steps may come from any thread. */
  private DurableSteps recorder(Path base) {
    return step -> {
      synchronized (this) {
        if (recording) {
          worlds.add(FolderCopy.of(base, folder.resolve("world " + worlds.size() + " " + step)));
        }
      }
    };
  }

  private synchronized void record(boolean on) {
    recording = on;
  }

  private synchronized List<Path> worlds() {
    return List.copyOf(worlds);
  }

  /** What a server remembers that has missed a run. */
  private static void missed(Path at, int run) throws IOException {
    Files.createDirectories(at.resolve("state"));
    Files.writeString(
        at.resolve("state/schedules.json"),
        """
        {"version":1,"schedules":{"seldom":{"every-seconds":%d,"offset-seconds":0,
        "done":"2000-01-01T00:00:00Z","run":%d}}}
        """
            .formatted(366L * 86_400, run));
  }

  private static Server start(Path at, DurableSteps steps) throws Exception {
    Configuration configuration = ConfigurationFile.parse("test", CONFIGURATION, at);
    Server server = Server.start(configuration, () -> configuration, steps);
    Await.until("the end of the run", () -> !server.schedules().status().getFirst().running());
    return server;
  }

  private static List<Long> runs(Server server) {
    return server.snapshots().list(null).stream()
        .map(SnapshotState::scheduled)
        .map(Objects::requireNonNull)
        .map(ScheduledBy::run)
        .sorted()
        .toList();
  }

  @Test
  void aRunIsDoneOnceAndLeavesNothingBehind() throws Exception {
    Path base = Files.createDirectory(folder.resolve("base"));
    missed(base, 0);
    try (Server server = start(base, DurableSteps.UNWATCHED)) {
      assertThat(runs(server)).containsExactly(1L, 1L);
    }
    missed(base, 1);
    record(true);
    try (Server server = start(base, recorder(base))) {
      record(false);
      assertThat(runs(server)).containsExactly(2L, 2L);
    }
    List<Path> worlds = worlds();
    assertThat(worlds.stream().map(Path::toString))
        .anyMatch(world -> world.endsWith("schedules.json.new written"))
        .anyMatch(world -> world.endsWith("schedules.json replaced"));
    assertThat(worlds).hasSizeGreaterThan(20);
    for (Path world : worlds) {
      try (Server server = start(world, DurableSteps.UNWATCHED)) {
        List<Long> found = runs(server);
        assertThat(found.stream().filter(run -> run == 2)).as(world.toString()).hasSize(2);
        assertThat(found.stream().filter(run -> run == 1).count())
            .as(world.toString())
            .isLessThanOrEqualTo(2);
        assertThat(found).as(world.toString()).doesNotContain(3L).hasSizeLessThanOrEqualTo(4);
        try (Stream<Path> stores = Files.list(world.resolve("state/cow"))) {
          assertThat(stores.count()).as(world.toString()).isEqualTo(found.size());
        }
        assertThat(server.snapshots().list(null))
            .as(world.toString())
            .allMatch(each -> each.phase() == SnapshotState.Phase.READY);
        assertThat(server.warnings()).as(world.toString()).isEmpty();
      }
    }
  }

  /** A pause that was answered holds; one that was not is there or is not. */
  @Test
  void aPauseIsDurableWhenItIsAnswered() throws Exception {
    Path base = Files.createDirectory(folder.resolve("base"));
    missed(base, 0);
    try (Server server = start(base, recorder(base))) {
      record(true);
      assertThat(server.schedules().pause("seldom", true).paused()).isTrue();
      record(false);
    }
    List<Path> worlds = worlds();
    assertThat(worlds).hasSizeGreaterThanOrEqualTo(3);
    List<Boolean> paused = new ArrayList<>();
    for (Path world : worlds) {
      try (Server server = start(world, DurableSteps.UNWATCHED)) {
        paused.add(server.schedules().status().getFirst().paused());
        assertThat(runs(server)).as(world.toString()).containsExactly(1L, 1L);
        assertThat(server.warnings()).as(world.toString()).isEmpty();
      }
    }
    assertThat(paused).startsWith(false).endsWith(true).isSorted();
  }
}
