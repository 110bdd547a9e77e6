// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.anabranch.block.cache.RingDamage;
import org.anabranch.block.testing.Await;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.serve.Server;
import org.anabranch.server.state.DurableSteps;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The power goes between any two steps of create, remove, merge and finish. The folder is copied at
 * each step, once as it is, and once for each thing that was not synced yet and may be lost; on
 * each copy a server must start and show the old world or the new one, whole. So whatever is not
 * synced where it must be is lost at every later step, too.
 */
final class PowerCutTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      anabranch {
        portals = ["127.0.0.1:0"], state-dir = state, write-cache.size = 1 MiB
        volumes { vm1 { path = vm1.img, size = 1 MiB } }
        targets { "iqn.2026-11.org.example:vm1" {
          luns { 0 = vm1, 1 = "vm1@keep", 2 = "vm1@a" }
        } }
      }
      """;

  /** Two volumes, for a group of snapshots. */
  private static final String TWO_VOLUMES =
      CONFIGURATION
          .replace("volumes {", "volumes { vm2 { path = vm2.img, size = 1 MiB }, ")
          .replace("luns {", "luns { 3 = vm2, 4 = \"vm2@a\", ");

  /** What LUNs 0, 1 and 2 read as: each block of 64 KiB is one value. */
  private record Contents(Map<Integer, List<Integer>> luns) {}

  private static final List<Integer> FIRST = pattern(1);
  private static final List<Integer> SECOND = pattern(2);
  private static final List<Integer> THIRD = pattern(3);

  private static List<Integer> pattern(int value) {
    return Stream.generate(() -> value).limit(16).toList();
  }

  @TempDir private Path folder;
  private String configuration = CONFIGURATION;
  private final List<Path> worlds = new ArrayList<>();
  private final List<String> steps = new ArrayList<>();
  private boolean recording;

  /** What a power cut takes back in a world. */
  private interface Loss {
    void strike(Path world) throws IOException;
  }

  /** By what makes it durable; a folder's goes for the names in it. */
  private final Map<String, Map<String, Loss>> unsynced = new TreeMap<>();

  private static final String STATE = "state/state.json";
  private static final String COW = "state/cow";
  private static final String STORE = COW + "/vm1@a.cow";
  private final Set<String> madeStores = new TreeSet<>();

  private void taken(String step) {
    if (!recording) {
      return;
    }
    try {
      steps.add(step);
      if (step.endsWith(" synced")) {
        unsynced.remove(step.substring(0, step.length() - " synced".length()));
        return;
      }
      note(step);
      copy(step);
      for (Map<String, Loss> losses : unsynced.values()) {
        for (Map.Entry<String, Loss> loss : losses.entrySet()) {
          loss.getValue().strike(copy(step + ", " + loss.getKey()));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What a step leaves unsynced. */
  private void note(String step) throws IOException {
    Path base = folder.resolve("base");
    switch (step) {
      case "state.json.new written" -> {
        byte[] old = Files.readAllBytes(base.resolve(STATE));
        // The text goes with the file to its new name.
        may(
            "state.json.new",
            "half of the text",
            world -> {
              Path draft = world.resolve(STATE + ".new");
              String written = Files.exists(draft) ? Files.readString(draft).trim() : "";
              truncate(written.isEmpty() ? world.resolve(STATE) : draft);
            });
        may("state", "the new name lost", world -> rewrite(world, old));
      }
      case "store written" -> {
        String store = madeStore(base);
        may(store, "half of " + store, world -> truncate(world.resolve(COW).resolve(store)));
        may(
            "cow",
            "the name of " + store + " lost",
            world -> Files.delete(world.resolve(COW).resolve(store)));
      }
      case "store deleted" -> {
        may("cow", "the store is back", world -> Files.copy(keptStore(), world.resolve(STORE)));
      }
      default -> { // what the block layer makes durable itself
      }
    }
    if (Files.exists(base.resolve(STORE))) {
      Files.copy(base.resolve(STORE), keptStore(), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** The store that has been written just now. */
  private String madeStore(Path base) throws IOException {
    try (Stream<Path> stores = Files.list(base.resolve(COW))) {
      String made =
          stores
              .map(store -> store.getFileName().toString())
              .filter(store -> !store.contains("@keep") && !madeStores.contains(store))
              .findAny()
              .orElseThrow();
      madeStores.add(made);
      return made;
    }
  }

  private Path keptStore() {
    return folder.resolve("kept.cow");
  }

  private void may(String until, String what, Loss loss) {
    unsynced.computeIfAbsent(until, key -> new TreeMap<>()).put(what, loss);
  }

  private void rewrite(Path world, byte[] state) throws IOException {
    String text = new String(state, StandardCharsets.UTF_8);
    Files.writeString(
        world.resolve(STATE), text.replace(folder.resolve("base").toString(), world.toString()));
  }

  private Path copy(String step) throws IOException {
    Path world = folder.resolve("world " + worlds.size() + " " + step);
    FolderCopy.of(folder.resolve("base"), world);
    RingDamage.ageToAnotherBoot(world.resolve("state/write-cache"));
    worlds.add(world);
    return world;
  }

  private static void truncate(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() / 2);
    }
  }

  private Server start(Path at, DurableSteps steps) throws Exception {
    Configuration parsed = ConfigurationFile.parse("test", configuration, at);
    return Server.start(parsed, () -> parsed, steps);
  }

  private static ControlClient client(Path at) {
    return new ControlClient(at.resolve("state/control.sock"));
  }

  private static void fill(Initiator initiator, Server server, List<Integer> values)
      throws Exception {
    Site.Host host = logIn(initiator, server);
    Disk disk = host.disk(0);
    for (int i = 0; i < values.size(); i++) {
      byte[] block = new byte[65536];
      Arrays.fill(block, values.get(i).byteValue());
      Initiator.await(disk.write(i * 128L, ByteBuffer.wrap(block)), 30);
    }
    Initiator.await(disk.flush(), 30);
    logOut(host);
  }

  private static Site.Host logIn(Initiator initiator, Server server) throws Exception {
    return Site.Host.logIn(initiator, server.portals().getFirst(), SessionOptions.normal(TARGET));
  }

  private static void logOut(Site.Host host) throws Exception {
    Initiator.await(host.session().logout(), 30);
    host.awaitClosed();
  }

  private static Contents contents(Initiator initiator, Server server) throws Exception {
    Site.Host host = logIn(initiator, server);
    Map<Integer, List<Integer>> luns = new TreeMap<>();
    for (int lun : host.luns()) {
      Disk disk = host.disk(lun);
      List<Integer> values = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        ByteBuffer data = Initiator.await(disk.read(i * 128L, 128), 30).rewind();
        byte[] bytes = new byte[65536];
        data.get(bytes);
        byte[] same = new byte[65536];
        Arrays.fill(same, bytes[0]);
        assertThat(bytes).as("LUN %d, block %d", lun, i).isEqualTo(same);
        values.add((int) bytes[0]);
      }
      luns.put(lun, values);
    }
    logOut(host);
    return new Contents(luns);
  }

  /** Waits for what a start goes on with. */
  private static void settle(Path at) throws Exception {
    Await.until(
        "every snapshot is ready",
        () -> client(at).ask("snapshot list", Map.of(), p -> {}).toString(),
        list -> !list.matches("(?s).*phase=(merging|waiting|queued|removing|creating).*"));
  }

  private interface Operation {
    void run(ControlClient client) throws Exception;
  }

  private void cutEverywhere(
      boolean withSnapshot, Operation operation, Contents before, Contents after) throws Exception {
    Path base = Files.createDirectories(folder.resolve("base"));
    try (Initiator initiator = new Initiator()) {
      try (Server server = start(base, this::taken)) {
        fill(initiator, server, FIRST);
        client(base).ask("snapshot create", Map.of("volume", "vm1", "name", "keep"), p -> {});
        fill(initiator, server, SECOND);
        if (withSnapshot) {
          client(base).ask("snapshot create", Map.of("volume", "vm1", "name", "a"), p -> {});
          fill(initiator, server, THIRD);
        }
        assertThat(contents(initiator, server)).isEqualTo(before);
        try (Stream<Path> stores = Files.list(base.resolve(COW))) {
          stores.forEach(store -> madeStores.add(store.getFileName().toString()));
        }
        recording = true;
        operation.run(client(base));
        settle(base);
        recording = false;
        assertThat(contents(initiator, server)).isEqualTo(after);
      }
      int old = 0;
      for (Path world : worlds) {
        try (Server server = start(world, DurableSteps.UNWATCHED)) {
          settle(world);
          Contents found = contents(initiator, server);
          assertThat(found).as(world.toString()).isIn(before, after);
          old += found.equals(before) ? 1 : 0;
          boolean there = found.luns.containsKey(2);
          try (Stream<Path> stores = Files.list(world.resolve("state/cow"))) {
            assertThat(stores.map(store -> store.getFileName().toString()).sorted())
                .as(world.toString())
                .isEqualTo(there ? storesWith(found, after) : List.of("vm1@keep.cow"));
          }
          assertThat(Files.readAllBytes(world.resolve("state/state.json.new")))
              .as("room that is kept")
              .containsOnly(0);
          // Both worlds are good to live in.
          fill(initiator, server, pattern(7));
          assertThat(contents(initiator, server).luns().get(1)).isEqualTo(FIRST);
        }
      }
      assertThat(old)
          .as("worlds that are the old one, of %s", steps)
          .isBetween(1, worlds.size() - 1);
    }
  }

  @Test
  void createIsThereOrNot() throws Exception {
    cutEverywhere(
        false,
        client -> client.ask("snapshot create", Map.of("volume", "vm1", "name", "a"), p -> {}),
        new Contents(Map.of(0, SECOND, 1, FIRST)),
        new Contents(Map.of(0, SECOND, 1, FIRST, 2, SECOND)));
    assertThat(steps)
        .containsExactly(
            "state.json.new written", // creating
            "state.json.new synced",
            "state.json replaced",
            "state synced",
            "store written",
            "vm1@a.cow synced",
            "cow synced",
            "store loaded",
            "snapshot taken",
            "state.json.new written", // ready
            "state.json.new synced",
            "state.json replaced",
            "state synced");
  }

  /** With {@code vm1@a} there. */
  private List<String> storesWith(Contents found, Contents after) {
    if (steps.contains("second store loaded") && found.equals(after)) {
      return List.of("vm1@a~2.cow", "vm1@keep.cow");
    }
    return after.luns.containsKey(4)
        ? List.of("vm1@a.cow", "vm1@keep.cow", "vm2@a.cow")
        : List.of("vm1@a.cow", "vm1@keep.cow");
  }

  /** Two volumes at one instant: both snapshots are there, or none. */
  @Test
  void aGroupIsThereOrNot() throws Exception {
    configuration = TWO_VOLUMES;
    List<Integer> zeros = pattern(0);
    cutEverywhere(
        false,
        client ->
            client.ask("snapshot create", Map.of("names", List.of("vm2@a", "vm1@a")), p -> {}),
        new Contents(Map.of(0, SECOND, 1, FIRST, 3, zeros)),
        new Contents(Map.of(0, SECOND, 1, FIRST, 2, SECOND, 3, zeros, 4, zeros)));
    assertThat(steps)
        .containsExactly(
            "state.json.new written", // both creating, in one write
            "state.json.new synced",
            "state.json replaced",
            "state synced",
            "store written",
            "vm2@a.cow synced",
            "cow synced",
            "store written",
            "vm1@a.cow synced",
            "cow synced",
            "store loaded",
            "snapshot taken",
            "state.json.new written", // both ready
            "state.json.new synced",
            "state.json replaced",
            "state synced");
  }

  @Test
  void removeIsDoneOrNot() throws Exception {
    cutEverywhere(
        true,
        client -> client.ask("snapshot remove", Map.of("name", "vm1@a"), p -> {}),
        new Contents(Map.of(0, THIRD, 1, FIRST, 2, SECOND)),
        new Contents(Map.of(0, THIRD, 1, FIRST)));
    assertThat(steps)
        .containsExactly(
            "state.json.new written", // removing
            "state.json.new synced",
            "state.json replaced",
            "state synced",
            "store deleted",
            "cow synced",
            "state.json.new written",
            "state.json.new synced",
            "state.json replaced",
            "state synced");
  }

  @Test
  void aMergeIsToComeOrGoesToItsEnd() throws Exception {
    cutEverywhere(
        true,
        client -> client.ask("snapshot merge", Map.of("name", "vm1@a", "now", true), p -> {}),
        new Contents(Map.of(0, THIRD, 1, FIRST, 2, SECOND)),
        new Contents(Map.of(0, SECOND, 1, FIRST)));
    assertThat(steps)
        .containsExactly(
            "state.json.new written", // merging
            "state.json.new synced",
            "state.json replaced",
            "state synced",
            "merge begun",
            "merge ended",
            "state.json.new written", // removing
            "state.json.new synced",
            "state.json replaced",
            "state synced",
            "store deleted",
            "cow synced",
            "state.json.new written",
            "state.json.new synced",
            "state.json replaced",
            "state synced");
  }

  /** The volume is the old one or the new one, and the restore point is there. */
  @Test
  void aMergeThatKeepsIsToComeOrGoesToItsEnd() throws Exception {
    cutEverywhere(
        true,
        client -> {
          client.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "keep", true), p -> {});
          settle(folder.resolve("base"));
          // Has its turn when the end of the merge has come to its own end.
          assertThatThrownBy(() ->
                  client.ask(
                      "snapshot throttle", Map.of("name", "vm1@a", "bytes-per-second", 0), p -> {}))
              .hasMessageContaining("is not being rolled back to");
        },
        new Contents(Map.of(0, THIRD, 1, FIRST, 2, SECOND)),
        new Contents(Map.of(0, SECOND, 1, FIRST, 2, SECOND)));
    assertThat(steps)
        .containsExactly(
            "state.json.new written", // queued, names its second store
            "state.json.new synced",
            "state.json replaced",
            "state synced",
            "store written",
            "vm1@a~2.cow synced",
            "cow synced",
            "second store loaded",
            "state.json.new written", // merging
            "state.json.new synced",
            "state.json replaced",
            "state synced",
            "merge begun",
            "merge ended",
            "state.json.new written", // ready, with the second store; names the first one
            "state.json.new synced",
            "state.json replaced",
            "state synced",
            "store deleted",
            "cow synced",
            "state.json.new written", // ready
            "state.json.new synced",
            "state.json replaced",
            "state synced");
  }
}
