// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.TakesLong;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Create, write, merge, pause and remove, with {@code kill -9} at random moments: nothing that was
 * answered is lost, every sector of every disk is read again after each kill, and no file and no
 * space in a store is leaked. {@code -Danabranch.killCycles=200} for more than a few, {@code
 * -Danabranch.killSeed=N} for others.
 */
@TakesLong
final class KillCyclesTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final List<String> NAMES = List.of("s1", "s2", "s3");
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 4 MiB } }
      targets { "iqn.2026-11.org.example:vm1" {
        luns { 0 = vm1, 1 = "vm1@s1", 2 = "vm1@s2", 3 = "vm1@s3" }
      } }
      """;
  private static final int MAX_OPERATIONS = 40;
  private static final int WRITES_AT_ONCE = 16;
  private static final int KILL_WITHIN_NANOS = 20_000_000;
  private static final int KILL_FIRST_WRITES_WITHIN_NANOS = 1_000_000;
  private static final int MOST_FIRST_WRITES = 700;

  /** From so many kills on, half of those in first writes must have found something in a ring. */
  private static final int ENOUGH_CYCLES = 50;

  /** What the log says of a ring with writes in it. */
  private static final Pattern REPLAYED =
      Pattern.compile("(\\d+) acknowledged writes replayed from the write cache");

  /** Bytes a second, so that a merge of 2 MiB or so is met in its middle. */
  private static final String SLOW = "4194304";

  private static final int KILL_MERGE_WITHIN_NANOS = 300_000_000;

  /** What a kill is to hit. */
  private enum Aim {
    WRITES,

    /** Those after a snapshot: a write cache has answered some that the volume does not have. */
    FIRST_WRITES,
    CREATE,
    REMOVE,
    MERGE,
    MERGE_AND_KEEP
  }

  private final KillModel model = new KillModel();
  private final Random random = new Random(Long.getLong("anabranch.killSeed", 1));
  private final Map<String, Integer> counts = new LinkedHashMap<>();

  /** For each server that found a ring with writes, how many. */
  private final List<Integer> replayed = new ArrayList<>();

  private int firstWrites;

  private final Path folder;
  private final Site site;

  /** How long such a change took at most, in ns: a kill within that time hits the middle of it. */
  private final Map<String, Integer> longest = new HashMap<>();

  /** A change that was asked for and not answered: {@code create vm1@s1}; "" if none. */
  private String pending = "";

  /** The store that the snapshot had before a merge that was to keep it. */
  private String store = "";

  KillCyclesTest(@TempDir Path folder) {
    this.folder = folder;
    site = new Site(folder);
  }

  @Test
  @Timeout(value = 3, unit = TimeUnit.HOURS) // for those who ask for many
  void killsLoseNothingAndLeakNothing() throws Exception {
    int cycles = Integer.getInteger("anabranch.killCycles", 5);
    for (int cycle = 0; cycle < cycles; cycle++) {
      Aim aim = aim();
      boolean cached = aim == Aim.FIRST_WRITES || random.nextBoolean();
      try (Initiator initiator = new Initiator(1);
          ServerProcess server = site.serve(configuration(cached))) {
        count(server);
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        settlePending();
        pauseAndResume(false);
        verify(host);
        CountDownLatch now = new CountDownLatch(1);
        int wait = random.nextInt(within(aim));
        Thread killer =
            Thread.ofPlatform()
                .daemon()
                .start(() -> {
                  try {
                    now.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                  LockSupport.parkNanos(wait);
                  server.process().destroyForcibly();
                });
        int operations = random.nextInt(MAX_OPERATIONS);
        try {
          for (int i = 0; i < operations; i++) {
            operate(host);
          }
          hit(aim, host, now);
          while (true) {
            operate(host);
          }
        } catch (Exception e) { // the kill, or a failure of the server's own
          assertThat(now.getCount()).as("before the kill: %s%n%s", e, server.errors()).isZero();
        }
        killer.join();
        server.await();
        assertThat(server.errors()).doesNotContain("ERROR");
        firstWrites += aim == Aim.FIRST_WRITES ? 1 : 0;
      }
    }
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(configuration(false))) {
      count(server);
      System.out.printf(
          "%d kills, in the middle of: %s; %d in a burst of first writes; %d rings replayed, %d"
              + " writes in all, at most %d%n",
          cycles,
          counts,
          firstWrites,
          replayed.size(),
          replayed.stream().mapToInt(each -> each).sum(),
          replayed.stream().mapToInt(each -> each).max().orElse(0));
      if (cycles >= ENOUGH_CYCLES) {
        assertThat(replayed)
            .as("of %s bursts", firstWrites)
            .hasSizeGreaterThanOrEqualTo(firstWrites / 2);
      }
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      settlePending();
      pauseAndResume(false);
      verify(host);
      for (String device : List.copyOf(model.snapshots.keySet())) {
        site.ask("snapshot remove", Map.of("name", device, "force", true));
        model.removed(device);
      }
      Await.until("no snapshot is left", this::phases, Map::isEmpty);
      verify(host);
      assertThat(files("state/cow")).isEmpty();
      assertThat(server.terminate()).isZero();
    }
  }

  /** First writes as often as all the others. */
  private Aim aim() {
    Aim[] all = Aim.values();
    return random.nextBoolean() ? Aim.FIRST_WRITES : all[random.nextInt(all.length)];
  }

  /** A life in which writes are not cached replays what it finds all the same. */
  private static String configuration(boolean cached) {
    return CONFIGURATION + "write-cache.size = " + (cached ? "4 MiB\n" : "0\n");
  }

  /** Counts what a server has replayed, which it does before it is ready. */
  private void count(ServerProcess server) throws Exception {
    Matcher matcher = REPLAYED.matcher(server.errors());
    if (matcher.find()) {
      replayed.add(Integer.parseInt(matcher.group(1)));
    }
  }

  private int within(Aim aim) {
    return switch (aim) {
      case WRITES -> KILL_WITHIN_NANOS;
      case FIRST_WRITES -> KILL_FIRST_WRITES_WITHIN_NANOS;
      case CREATE -> longest.getOrDefault("create", KILL_WITHIN_NANOS);
      case REMOVE -> longest.getOrDefault("remove", KILL_WITHIN_NANOS);
      case MERGE, MERGE_AND_KEEP -> KILL_MERGE_WITHIN_NANOS;
    };
  }

  /** Begins what is to be hit, and lets the kill loose. */
  private void hit(Aim aim, Site.Host host, CountDownLatch now) throws Exception {
    switch (aim) {
      case WRITES -> now.countDown();
      case FIRST_WRITES -> {
        create(free());
        int count = 1 + random.nextInt(MOST_FIRST_WRITES);
        int answers = 1 + random.nextInt(count);
        new FirstWrites(model, host.disk(0), new Random(random.nextLong()))
            .send(count, answers, now::countDown);
      }
      case CREATE -> {
        String device = free();
        now.countDown();
        create(device);
      }
      case REMOVE -> {
        String device = ready(host);
        now.countDown();
        change("remove", device, Map.of("name", device, "force", true));
        model.removed(device);
      }
      case MERGE, MERGE_AND_KEEP -> {
        String device = ready(host);
        merge(device, aim == Aim.MERGE_AND_KEEP);
        try {
          site.dm("message", "vm1", "0", "throttle", SLOW);
        } catch (RefusedException e) {
          // Merged already: soon the snapshot is gone or kept, or its removal is all that is left.
          String kept = aim == Aim.MERGE_AND_KEEP ? "ready" : "removing";
          Await.until(
              "the merge is over: " + e.getMessage(),
              () -> phases().getOrDefault(device, "removing"),
              phase -> phase.equals("removing") || phase.equals(kept));
        }
        now.countDown();
      }
    }
  }

  /** A name of no snapshot, once no merge is in the way of a new one. */
  private String free() throws Exception {
    Await.until(
        "no merge or removal is under way",
        this::phases,
        phases -> !phases.containsValue("merging") && !phases.containsValue("removing"));
    for (String name : NAMES) {
      if (!phases().containsKey("vm1@" + name)) {
        return "vm1@" + name;
      }
    }
    String device = "vm1@" + NAMES.get(random.nextInt(NAMES.size()));
    change("remove", device, Map.of("name", device, "force", true));
    model.removed(device);
    return device;
  }

  /** A snapshot with something in its store, and no merge under way. */
  private String ready(Site.Host host) throws Exception {
    if (model.snapshots.isEmpty()) {
      create(free());
    }
    Await.until(
        "no merge is under way or queued",
        this::phases,
        phases -> !phases.containsValue("merging") && !phases.containsValue("queued"));
    for (int i = 0; i < MAX_OPERATIONS; i++) {
      write(host, "vm1");
    }
    List<String> devices = List.copyOf(model.snapshots.keySet());
    return devices.get(random.nextInt(devices.size()));
  }

  private static boolean busy(Exception e) {
    return String.valueOf(e.getMessage()).contains("is being rolled back");
  }

  private void operate(Site.Host host) throws Exception {
    String device = "vm1@" + NAMES.get(random.nextInt(NAMES.size()));
    boolean there = model.snapshots.containsKey(device);
    switch (random.nextInt(9)) {
      case 0, 1 -> {
        if (!there && !phases().containsKey(device)) {
          create(device);
        }
      }
      case 2 -> {
        if (there && "ready".equals(phases().get(device))) {
          change("remove", device, Map.of("name", device, "force", true));
          model.removed(device);
        }
      }
      case 3 -> {
        if (there && !phases().containsValue("merging")) {
          merge(device, random.nextBoolean());
        }
      }
      case 4 -> {
        if (there) {
          write(host, device);
        }
      }
      case 5 -> pauseAndResume(true);
      default -> write(host, "vm1");
    }
  }

  /** A merge that a kill leaves paused is paused still, and goes on when told so. */
  private void pauseAndResume(boolean pause) throws Exception {
    for (Map.Entry<String, String> each : phases().entrySet()) {
      if (each.getValue().equals("merging")) {
        try {
          if (pause) {
            site.ask("snapshot pause", Map.of("name", each.getKey()));
          }
          site.ask("snapshot resume", Map.of("name", each.getKey()));
        } catch (RefusedException e) {
          if (!String.valueOf(e.getMessage())
              .matches("(?s)there is no snapshot .*|.*no rollback to snapshot.*")) {
            throw e; // it did not just end
          }
        }
      }
    }
  }

  private void merge(String device, boolean keep) throws Exception {
    store = Objects.requireNonNull(stores().get(device));
    change(keep ? "keep" : "merge", device, Map.of("name", device, "now", true, "keep", keep));
    rolledBack(device, keep);
  }

  private void rolledBack(String device, boolean kept) {
    if (kept) {
      model.rolledBackAndKept(device);
    } else {
      model.rolledBack(device);
    }
  }

  private void create(String device) throws Exception {
    try {
      change(
          "create",
          device,
          Map.of("volume", "vm1", "name", device.substring(4), "chunk-sectors", 8));
      model.created(device);
    } catch (RefusedException e) {
      if (!busy(e)) {
        throw e;
      }
      pending = "";
    }
  }

  private void change(String verb, String device, Map<String, ?> arguments) throws Exception {
    pending = verb + " " + device;
    long began = System.nanoTime();
    site.ask("snapshot " + (verb.equals("keep") ? "merge" : verb), arguments);
    longest.merge(verb, (int) (System.nanoTime() - began), Math::max);
    pending = "";
  }

  /** Some blocks at once, each of them once. */
  private void write(Site.Host host, String device) throws Exception {
    Disk disk = host.disk(device.equals("vm1") ? 0 : NAMES.indexOf(device.substring(4)) + 1);
    Map<Integer, Integer> writes = new HashMap<>();
    for (int i = random.nextInt(WRITES_AT_ONCE); i >= 0; i--) {
      writes.put(random.nextInt(KillModel.BLOCKS), model.newGeneration());
    }
    Map<Integer, CompletableFuture<ByteBuffer>> ends = new HashMap<>();
    writes.forEach((number, generation) -> {
      model.sent(device, number, generation);
      ends.put(number, disk.write(number * 8L, KillModel.block(number, generation)));
    });
    Exception failure = null;
    for (Map.Entry<Integer, CompletableFuture<ByteBuffer>> end : ends.entrySet()) {
      try {
        Initiator.await(end.getValue(), 30);
        model.answered(device, end.getKey(), Objects.requireNonNull(writes.get(end.getKey())));
      } catch (Exception e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** Snapshots and their phases, as the server lists them. */
  private Map<String, String> phases() throws Exception {
    return listed("phase");
  }

  /** Snapshots and the files of their own stores. */
  private Map<String, String> stores() throws Exception {
    return listed("store");
  }

  private Map<String, String> listed(String field) throws Exception {
    Map<String, String> values = new HashMap<>();
    for (Object each :
        (List<?>) Objects.requireNonNull(site.ask("snapshot list", Map.of()).get("snapshots"))) {
      Map<?, ?> snapshot = (Map<?, ?>) each;
      values.put(String.valueOf(snapshot.get("name")), String.valueOf(snapshot.get(field)));
    }
    return values;
  }

  /** What was broken off is done or not; the list tells which. */
  private void settlePending() throws Exception {
    String hit = pending.isEmpty() ? "writes" : pending.split(" ", -1)[0];
    counts.merge(phases().containsValue("merging") ? hit + " while merging" : hit, 1, Integer::sum);
    if (!pending.isEmpty()) {
      String device = pending.substring(pending.indexOf(' ') + 1);
      Await.until(
          "what is queued has begun", this::phases, phases -> !phases.containsValue("queued"));
      boolean ready = "ready".equals(phases().get(device));
      if (pending.startsWith("create") && ready) {
        model.created(device);
      } else if (pending.startsWith("remove") && !ready) {
        model.removed(device);
      } else if (pending.startsWith("keep") && !store.equals(stores().get(device))) {
        model.rolledBackAndKept(device);
      } else if (pending.startsWith("merge") && !ready) {
        model.rolledBack(device);
      }
    }
    pending = "";
  }

  private void verify(Site.Host host) throws Exception {
    Map<String, String> phases = phases();
    TreeSet<String> stores = new TreeSet<>();
    phases.forEach((device, phase) -> {
      stores.add(device + ".cow"); // one, and while it is merged and kept a second one
      stores.add(device + "~2.cow");
    });
    List<String> found = files("state/cow");
    // A merge may end between the two looks: then its store is gone, and nothing else.
    assertThat(stores).containsAll(found);
    phases
        .keySet()
        .removeIf(device ->
            !model.snapshots.containsKey(device)
                && List.of("merging", "removing").contains(phases.get(device)));
    assertThat(phases.keySet()).isEqualTo(model.snapshots.keySet());
    if (!phases.containsValue("merging") && !phases.containsValue("removing")) {
      assertThat(found).as("stores of %s", phases).hasSameSizeAs(phases.keySet());
    }
    read(host, "vm1", 0);
    for (String device : model.snapshots.keySet()) {
      read(host, device, NAMES.indexOf(device.substring(4)) + 1);
      // allocated/total metadata, in sectors; a chunk is a block
      String[] status = site.dm("status", device).strip().split("[ /]", -1);
      long data = Long.parseLong(status[3]) - Long.parseLong(status[5]);
      assertThat(data / 8)
          .as("chunks in the store of %s", device)
          .isLessThanOrEqualTo(model.snapshot(device).touched.cardinality());
    }
    model.open.clear();
  }

  private void read(Site.Host host, String device, int lun) throws Exception {
    Disk disk = host.disk(lun);
    int step = 64;
    for (int first = 0; first < KillModel.BLOCKS; first += step) {
      ByteBuffer data = Initiator.await(disk.read(first * 8L, step * 8), 30).rewind();
      for (int i = 0; i < step; i++) {
        model.check(device, first + i, data.slice(i * KillModel.BLOCK, KillModel.BLOCK));
      }
    }
  }

  private List<String> files(String name) throws Exception {
    Path at = folder.resolve(name);
    if (!Files.exists(at)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(at)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
