// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.anabranch.block.testing.Await;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.serve.Server;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.SnapshotState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server dies at any durable step of an operation with hooks, those of {@code hooks.json} among
 * them: what its program froze is thawed by the next start, and nothing is left begun. A build
 * tries the steps after which what is begun or frozen is different; {@code
 * -Danabranch.everyStep=true} tries all.
 */
final class HookCrashTest {
  /** The programs freeze and thaw by a file for each volume, beside the images. */
  private static final String CONFIGURATION =
      """
      anabranch {
        portals = ["127.0.0.1:0"], state-dir = state
        volumes { a { path = a.img, size = 1 MiB }, b { path = b.img, size = 1 MiB } }
        hooks {
          shell = true
          before-create = "touch 'FOLDER/'frozen-$ANABRANCH_VOLUME"
          after-create = "rm -f 'FOLDER/'frozen-$ANABRANCH_VOLUME"
          before-merge = "touch 'FOLDER/'frozen-$ANABRANCH_VOLUME"
          after-merge = "rm -f 'FOLDER/'frozen-$ANABRANCH_VOLUME"
        }
      }
      """;

  @TempDir private Path folder;
  private final List<Path> worlds = new ArrayList<>(); // guarded by this
  private boolean recording; // guarded by this

  private synchronized void record(boolean on) {
    recording = on;
  }

  private synchronized List<Path> worlds() {
    return List.copyOf(worlds);
  }

  private DurableSteps recorder(Path base) {
    return step -> {
      synchronized (this) {
        if (recording) {
          worlds.add(FolderCopy.of(base, folder.resolve("world " + worlds.size() + " " + step)));
        }
      }
    };
  }

  private static Server start(Path at, DurableSteps steps) throws Exception {
    Configuration configuration =
        ConfigurationFile.parse("test", CONFIGURATION.replace("FOLDER", at.toString()), at);
    return Server.start(configuration, () -> configuration, steps);
  }

  private static List<String> frozen(Path at) throws IOException {
    try (Stream<Path> files = Files.list(at)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("frozen-"))
          .sorted()
          .toList();
    }
  }

  private static String begun(Path at) throws IOException {
    Path file = at.resolve("state/hooks.json");
    return Files.exists(file) ? Files.readString(file) : "";
  }

  private static boolean isOver(Path at) {
    try {
      return frozen(at).isEmpty() && !begun(at).contains("operation");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void everyCrashThaws() throws Exception {
    int thawed = 0;
    List<Path> all = new ArrayList<>();
    String last = "";
    for (Path world : worlds()) {
      String facts = begun(world) + frozen(world);
      if (!facts.equals(last) || Boolean.getBoolean("anabranch.everyStep")) {
        all.add(world);
      }
      last = facts;
    }
    assertThat(worlds().stream().map(Path::toString))
        .anyMatch(world -> world.endsWith("hooks.json.new written"))
        .anyMatch(world -> world.endsWith("hooks.json replaced"));
    for (Path world : all) {
      boolean wasFrozen = !frozen(world).isEmpty();
      thawed += wasFrozen ? 1 : 0;
      assertThat(!wasFrozen || begun(world).contains("operation")).as(world.toString()).isTrue();
      try (Server server = start(world, DurableSteps.UNWATCHED)) {
        Await.until("nothing is frozen in " + world, () -> isOver(world));
        assertThat(server.warnings()).as(world.toString()).isEmpty();
        // A rollback that was recorded goes on, and until its end the volumes take no snapshot.
        Await.until("the end of rollbacks in " + world, () -> unfinished(server), List::isEmpty);
        // The volumes are free for the next operation, whose programs run as ever.
        client(world).ask("snapshot create", Map.of("names", List.of("a@next", "b@next")), p -> {});
        assertThat(isOver(world)).as(world.toString()).isTrue();
      }
    }
    System.out.println(all.size() + " crashes, " + thawed + " with something frozen");
    assertThat(thawed).as("of " + all.size()).isBetween(1, all.size() - 1);
  }

  private static List<SnapshotState> unfinished(Server server) {
    return server.snapshots().list(null).stream()
        .filter(snapshot -> snapshot.phase() != SnapshotState.Phase.READY)
        .toList();
  }

  private static ControlClient client(Path at) {
    return new ControlClient(at.resolve("state/control.sock"));
  }

  @Test
  void whatIsFrozenForASnapshotIsThawed() throws Exception {
    Path base = Files.createDirectory(folder.resolve("base"));
    try (Server _ = start(base, recorder(base))) {
      record(true);
      client(base).ask("snapshot create", Map.of("names", List.of("a@x", "b@x")), p -> {});
      record(false);
    }
    everyCrashThaws();
  }

  @Test
  void whatIsFrozenForARollbackIsThawed() throws Exception {
    Path base = Files.createDirectory(folder.resolve("base"));
    try (Server server = start(base, recorder(base))) {
      client(base).ask("snapshot create", Map.of("names", List.of("a@x", "b@x")), p -> {});
      record(true);
      client(base)
          .ask("snapshot merge", Map.of("names", List.of("a@x", "b@x"), "now", true), p -> {});
      Await.until("the end of the merge", () -> server.snapshots().list(null), List::isEmpty);
      Await.until("the end of the hooks", () -> isOver(base));
      record(false);
    }
    everyCrashThaws();
  }
}
