// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two volumes are rolled back at one instant, with {@code kill -9} at random moments: after each,
 * both are the old ones or both are the new ones, block by block, and the restore points are there
 * if they are to be kept. {@code -Danabranch.killCycles=100} for more than a few, {@code
 * -Danabranch.killSeed=N} for others.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS) // for those who ask for many
final class GroupKillCyclesTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      """
      volumes { a { path = a.img, size = 1 MiB }, b { path = b.img, size = 1 MiB } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = a, 1 = b, 2 = "a@x", 3 = "b@x" } } }
      """;
  private static final int BLOCKS = 256;

  /** So that a merge of 1 MiB is met in its middle, also after the next start. */
  private static final long SLOW = 256 << 10;

  private static final int KILL_EARLY_NANOS = 40_000_000;
  private static final int KILL_LATE_NANOS = 400_000_000;

  private final Random random = new Random(Long.getLong("anabranch.killSeed", 1));
  private final Map<String, Integer> counts = new TreeMap<>();
  private final Site site;
  private int generation;

  /** What the volumes and the restore points have. */
  private int volumes;

  private int restorePoint;

  /**
   * What was asked for when the last kill came: the restore points are kept, or not; or nothing.
   */
  private String asked = "";

  GroupKillCyclesTest(@TempDir Path folder) {
    site = new Site(folder);
  }

  @Test
  void killsRollBackAllOrNone() throws Exception {
    int cycles = Integer.getInteger("anabranch.killCycles", 3);
    for (int cycle = 0; cycle < cycles; cycle++) {
      try (Initiator initiator = new Initiator(1);
          ServerProcess server = site.serve(CONFIGURATION)) {
        Site.Host host = Site.Host.logIn(initiator, server, TARGET);
        check(host);
        if (!phases().containsKey("a@x")) {
          site.ask("snapshot create", Map.of("names", List.of("a@x", "b@x")));
          restorePoint = volumes;
        }
        volumes = ++generation;
        fill(host.disk(0));
        fill(host.disk(1));
        boolean keep = random.nextBoolean();
        asked = keep ? "keep" : "merge";
        int wait = random.nextInt(random.nextBoolean() ? KILL_EARLY_NANOS : KILL_LATE_NANOS);
        CountDownLatch now = new CountDownLatch(1);
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
        now.countDown();
        try {
          site.ask(
              "snapshot merge",
              Map.of("names", List.of("a@x", "b@x"), "now", true, "keep", keep, "throttle", SLOW));
        } catch (Exception e) {
          counts.merge("before the answer", 1, Integer::sum);
        }
        killer.join();
        server.await();
        assertThat(server.errors()).doesNotContain("ERROR");
      }
    }
    System.out.println(cycles + " kills of merges of two volumes: " + counts);
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(CONFIGURATION)) {
      check(Site.Host.logIn(initiator, server, TARGET));
      assertThat(server.terminate()).isZero();
    }
  }

  private void check(Site.Host host) throws Exception {
    if (asked.isEmpty()) {
      return;
    }
    Await.until(
        "what is queued has begun", this::phases, phases -> !phases.containsValue("queued"));
    Map<String, String> phases = phases();
    int inA = value(host.disk(0));
    int inB = value(host.disk(1));
    assertThat(inB).as("b, where a has %d", inA).isEqualTo(inA);
    assertThat(inA).isIn(volumes, restorePoint);
    boolean merged = inA == restorePoint;
    volumes = inA;
    counts.merge(
        asked
            + (merged
                ? phases.containsValue("merging") ? " in the middle" : " done"
                : " not begun"),
        1,
        Integer::sum);
    List<String> there = new ArrayList<>(List.of("ready"));
    there.add(asked.equals("keep") ? "merging" : "ready");
    if (asked.equals("keep") || !merged) {
      assertThat(phases.keySet()).containsExactly("a@x", "b@x");
      assertThat(phases.values()).isSubsetOf(there);
      assertThat(value(host.disk(2))).isEqualTo(restorePoint);
      assertThat(value(host.disk(3))).isEqualTo(restorePoint);
    }
    for (String merging : phases.keySet()) {
      if ("merging".equals(phases.get(merging))) {
        try {
          site.ask("snapshot throttle", Map.of("name", merging, "bytes-per-second", 0));
        } catch (Exception e) {
          assertThat(e)
              .hasMessageMatching(
                  "(?s).*(no snapshot|no rollback to snapshot|is not being rolled back to).*"); // it has ended
        }
      }
    }
    Await.until(
        "no merge is under way",
        this::phases,
        found -> !found.containsValue("merging") && !found.containsValue("removing"));
    assertThat(value(host.disk(0))).isEqualTo(volumes);
    assertThat(value(host.disk(1))).isEqualTo(volumes);
  }

  private Map<String, String> phases() throws Exception {
    Map<String, String> phases = new TreeMap<>();
    for (Object each :
        (List<?>) Objects.requireNonNull(site.ask("snapshot list", Map.of()).get("snapshots"))) {
      Map<?, ?> snapshot = (Map<?, ?>) each;
      phases.put(String.valueOf(snapshot.get("name")), String.valueOf(snapshot.get("phase")));
    }
    return phases;
  }

  private void fill(Disk disk) throws Exception {
    for (int first = 0; first < BLOCKS; first += 64) {
      ByteBuffer data = ByteBuffer.allocate(64 * 4096);
      for (int i = 0; i < 64; i++) {
        data.putInt(i * 4096, generation);
      }
      Initiator.await(disk.write(first * 8L, data), 30);
    }
  }

  /** The generation that all blocks have. */
  private static int value(Disk disk) throws Exception {
    int value = -1;
    for (int first = 0; first < BLOCKS; first += 64) {
      ByteBuffer data = Initiator.await(disk.read(first * 8L, 64 * 8), 30).rewind();
      for (int i = 0; i < 64; i++) {
        int found = data.getInt(i * 4096);
        value = value < 0 ? found : value;
        assertThat(found).as("block %d", first + i).isEqualTo(value);
      }
    }
    return value;
  }
}
