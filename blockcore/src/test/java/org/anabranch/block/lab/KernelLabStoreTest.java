// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.anabranch.block.testing.TakesLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One format, two implementations: a store goes from this code to Linux and from Linux to this code
 * at every stage of its life, and reads the same, counts the same and merges to the same bytes.
 */
@TakesLong
class KernelLabStoreTest {
  /** How a store comes to be that Linux is to read. */
  private enum Course {
    WRITTEN,
    CUT_WHILE_WRITING,
    CUT_WHILE_MERGING,
    MERGED,
    KILLED_WHILE_MERGING
  }

  private static KernelLab lab;

  @TempDir Path folder;

  @BeforeAll
  static void bootable() {
    lab = KernelLab.require();
  }

  @Test
  void linuxReadsAndMergesWhatWeWrote() throws Exception {
    List<StoreHistory> killed = new ArrayList<>();
    for (long seed = 29; seed <= 35; seed++) {
      killed.add(new StoreHistory(seed));
    }
    KilledMerges files = new KilledMerges(folder, killed);
    files.write();
    files.mergeAndKill();

    LabDisk disk = new LabDisk(folder.resolve("stores.img"));
    List<LinuxStore> stores = new ArrayList<>();
    Map<LinuxStore, SimulatedStore.Images> given = new HashMap<>();
    for (long seed = 1; seed <= 35; seed++) {
      StoreHistory history = new StoreHistory(seed);
      SimulatedStore.Images images =
          seed >= 29 ? files.images(history) : bySimulation(history, course(seed));
      LinuxStore store = new LinuxStore(history, disk, images);
      stores.add(store);
      given.put(store, images);
    }
    assertThat(halfMerged(given)).as("stores cut while merging, of 7").isGreaterThan(3);
    List<String> steps = new ArrayList<>();
    steps.add("create " + all(stores, LinuxStore::parts));
    steps.add("create " + all(stores, s -> s.concise("s", s.cowTable("snapshot", "o"))));
    steps.add("status");
    steps.add("view " + names(stores, "s"));
    steps.add("remove " + names(stores, "s"));
    steps.add("create " + all(stores, s -> s.concise("m", s.cowTable("snapshot-merge", "o"))));
    steps.add("merge");
    steps.add("status");
    steps.add("remove " + names(stores, "m"));
    Console console = run(steps, disk);

    for (LinuxStore store : stores) {
      StoreHistory history = store.history;
      Course course = course(history.seed);
      SimulatedStore.Images images = Objects.requireNonNull(given.get(store));
      Ours ours = new Ours(history, images);
      byte[] view = course == Course.CUT_WHILE_WRITING ? ours.view : history.view(history.writes);
      String what = course + ", " + history;
      assertThat(ours.view).as(what).isEqualTo(view);
      assertThat(console.status(store, "s")).as(what).isEqualTo(ours.status);
      assertThat(console.view(store, "s")).as(what).isEqualTo(StoreHistory.sha256(view));
      assertThat(console.status(store, "m")).as(what).isEqualTo(ours.mergedStatus);
      assertThat(store.images().origin()).as(what).isEqualTo(view);
      assertThat(ours.mergedOrigin).as(what).isEqualTo(view);
    }
  }

  /** How many stores have something on their lists, but less than was written. */
  private static int halfMerged(Map<LinuxStore, SimulatedStore.Images> given) throws Exception {
    int count = 0;
    for (LinuxStore store : given.keySet()) {
      StoreHistory history = store.history;
      if (course(history.seed) == Course.CUT_WHILE_MERGING) {
        long left = SimulatedStore.exceptions(history, Objects.requireNonNull(given.get(store)));
        count += left > 0 && left < history.exceptions(history.writes).size() ? 1 : 0;
      }
    }
    return count;
  }

  private static Course course(long seed) {
    return seed >= 29 ? Course.KILLED_WHILE_MERGING : Course.values()[(int) (seed % 4)];
  }

  private static SimulatedStore.Images bySimulation(StoreHistory history, Course course)
      throws Exception {
    SimulatedStore.Work write =
        store -> {
          store.open();
          store.write(history.writes);
          store.close();
        };
    SimulatedStore.Work merge =
        store -> {
          store.startMerge();
          store.finishMerge();
          store.stopMerge();
        };
    SimulatedStore.Images fresh = SimulatedStore.fresh(history);
    return switch (course) {
      case WRITTEN -> new SimulatedStore(history, fresh).after(write);
      case CUT_WHILE_WRITING -> SimulatedStore.cut(history, fresh, store -> {}, write);
      case CUT_WHILE_MERGING -> SimulatedStore.cut(history, fresh, write, merge);
      case MERGED ->
          new SimulatedStore(history, fresh)
              .after(store -> {
                write.on(store);
                merge.on(store);
              });
      case KILLED_WHILE_MERGING -> throw new IllegalArgumentException("not by simulation");
    };
  }

  @Test
  void weReadAndMergeWhatLinuxWrote() throws Exception {
    LabDisk disk = new LabDisk(folder.resolve("stores.img"));
    List<LinuxStore> begun = new ArrayList<>(); // by Linux
    List<LinuxStore> half = new ArrayList<>(); // and Linux fails to merge them to the end
    List<LinuxStore> continued = new ArrayList<>(); // by Linux, what we began
    for (StoreHistory history : OddShapes.written()) {
      begun.add(new LinuxStore(history, disk, SimulatedStore.fresh(history)));
    }
    for (StoreHistory history : OddShapes.halfMerged()) {
      half.add(new LinuxStore(history, disk, SimulatedStore.fresh(history)));
    }
    for (long seed = 101; seed <= 120; seed++) {
      StoreHistory history = new StoreHistory(seed);
      SimulatedStore.Images images = SimulatedStore.fresh(history);
      if (seed % 3 == 2) {
        continued.add(new LinuxStore(history, disk, bySimulation(history, Course.WRITTEN)));
      } else {
        (seed % 3 == 0 ? begun : half).add(new LinuxStore(history, disk, images));
      }
    }
    List<LinuxStore> stores = new ArrayList<>(begun);
    stores.addAll(half);
    stores.addAll(continued);
    List<LinuxStore> unkept = new ArrayList<>(); // by Linux, in its memory
    for (StoreHistory history : OddShapes.transientOnes()) {
      unkept.add(new LinuxStore(history, disk, SimulatedStore.fresh(history)));
    }
    List<LinuxStore> spoilt = new ArrayList<>(); // by their last write
    for (StoreHistory history : OddShapes.spoilt()) {
      spoilt.add(new LinuxStore(history, disk, SimulatedStore.fresh(history)));
    }
    List<LinuxStore> used = new ArrayList<>(stores);
    used.addAll(unkept);
    used.addAll(spoilt);
    List<String> steps = new ArrayList<>();
    steps.add("create " + all(used, LinuxStore::parts));
    steps.add("create " + all(used, s -> s.concise("s", s.cowTable("snapshot", "o"))));
    steps.add("create " + all(used, s -> s.concise("w", s.originTable())));
    unkept.forEach(s -> steps.addAll(s.writeSteps(s.history.writes)));
    spoilt.forEach(s -> steps.addAll(s.writeSteps(s.history.writes)));
    begun.forEach(s -> steps.addAll(s.writeSteps(s.history.writes)));
    half.forEach(s -> steps.addAll(s.writeSteps(s.history.writes)));
    continued.forEach(s -> steps.addAll(s.writeSteps(s.history.moreWrites)));
    steps.add("status");
    steps.add("view " + names(unkept, "s"));
    steps.add("remove " + names(used, "s") + " " + names(used, "w"));
    steps.add(
        "create "
            + all(
                half,
                s -> {
                  List<Integer> order = s.history.exceptions(s.history.writes);
                  return s.concise("b", s.badOriginTable(order.get(s.history.stop)));
                }));
    steps.add("create " + all(half, s -> s.concise("m", s.cowTable("snapshot-merge", "b"))));
    steps.add("merge");
    steps.add("status");
    steps.add("remove " + names(half, "m") + " " + names(half, "b"));
    steps.add("create " + all(stores, s -> s.concise("r", s.cowTable("snapshot", "o"))));
    steps.add("status");
    steps.add("view " + names(stores, "r"));
    steps.add("remove " + names(stores, "r"));
    Console console = run(steps, disk);

    assertAlike(unkept, console);
    for (LinuxStore store : spoilt) {
      StoreHistory history = store.history;
      SimulatedStore.Images images =
          new SimulatedStore(history, SimulatedStore.fresh(history))
              .after(ours -> {
                ours.open();
                for (StoreHistory.Write write : history.writes) { // as dd does: each by itself
                  ours.write(List.of(write));
                }
                assertThat(ours.status("s")).endsWith("Invalid");
                ours.close();
              });
      assertThat(console.status(store, "s")).as(history.toString()).endsWith("Invalid");
      assertThat(header(images)).as(history.toString()).isEqualTo(header(store.images()));
      assertThat(images.origin()).as(history.toString()).isEqualTo(store.images().origin());
    }
    for (LinuxStore store : stores) {
      StoreHistory history = store.history;
      Ours ours = new Ours(history, store.images());
      byte[] view = history.view(continued.contains(store) ? history.allWrites() : history.writes);
      String what = history.toString();
      if (half.contains(store)) {
        assertThat(console.status(store, "m")).as(what).endsWith("Merge failed");
        if (history.seed > 200) { // runs are not merged in part
          assertThat(SimulatedStore.exceptions(history, store.images()))
              .as(what)
              .isEqualTo(history.stop + 1);
        }
      }
      assertThat(console.view(store, "r")).as(what).isEqualTo(StoreHistory.sha256(view));
      assertThat(ours.status).as(what).isEqualTo(console.status(store, "r"));
      assertThat(ours.view).as(what).isEqualTo(view);
      assertThat(ours.mergedOrigin).as(what).isEqualTo(view);
    }
  }

  /**
   * What Linux made of stores that are nowhere but in its memory is what this code makes of them.
   */
  private static void assertAlike(List<LinuxStore> stores, Console console) throws Exception {
    for (LinuxStore store : stores) {
      StoreHistory history = store.history;
      byte[] view = history.view(history.writes);
      SimulatedStore.Images images =
          new SimulatedStore(history, SimulatedStore.fresh(history))
              .after(ours -> {
                ours.open();
                ours.write(history.writes);
                assertThat(ours.status("s")).isEqualTo(console.status(store, "s"));
                assertThat(ours.read("s")).as(history.toString()).isEqualTo(view);
                ours.close();
              });
      assertThat(console.view(store, "s"))
          .as(history.toString())
          .isEqualTo(StoreHistory.sha256(view));
      assertThat(images.origin()).as(history.toString()).isEqualTo(store.images().origin());
    }
  }

  /** Magic, valid, version and chunk size; the rest of an invalid store is nobody's. */
  private static byte[] header(SimulatedStore.Images images) {
    return Arrays.copyOf(images.cow(), 16);
  }

  private Console run(List<String> steps, LabDisk disk) throws Exception {
    Path pattern = Files.write(folder.resolve("pattern.img"), StoreHistory.pattern());
    return new Console(lab.run(steps, List.of(disk.path(), pattern)));
  }

  private static String all(List<LinuxStore> stores, Function<LinuxStore, String> tables) {
    return stores.stream().map(tables).collect(Collectors.joining(";"));
  }

  private static String names(List<LinuxStore> stores, String letter) {
    return stores.stream().map(store -> store.name(letter)).collect(Collectors.joining(" "));
  }

  /** What this code makes of a store: loaded, read, merged, in a copy. */
  private static final class Ours {
    private String status = "";
    private byte[] view = {};
    private String mergedStatus = "";
    private final byte[] mergedOrigin;

    Ours(StoreHistory history, SimulatedStore.Images images) throws Exception {
      SimulatedStore.Images merged =
          new SimulatedStore(history, images)
              .after(store -> {
                store.open();
                status = store.status("s");
                view = store.read("s");
                store.close();
                store.startMerge();
                mergedStatus = store.finishMerge();
                store.stopMerge();
              });
      mergedOrigin = merged.origin();
    }
  }

  /** What the guest said. */
  private record Console(List<String> lines) {
    String status(LinuxStore store, String letter) {
      return last("STATUS " + store.name(letter) + ": ");
    }

    String view(LinuxStore store, String letter) {
      return last("VIEW " + store.name(letter) + " ");
    }

    private String last(String prefix) {
      return lines.stream()
          .filter(line -> line.startsWith(prefix))
          .reduce((earlier, later) -> later)
          .map(line -> line.substring(prefix.length()).strip())
          .orElseThrow(() -> new AssertionError("the guest said nothing of " + prefix));
    }
  }
}
