// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code snapshot merge --keep} with {@code kill -9} at random moments: when it is asked for, in
 * its middle, about its end, and in the start that continues it. After each, the volume is the old
 * one or the new one, block by block; the restore point and an older and a newer snapshot read as
 * ever; and no store is left over. {@code -Danabranch.keepKills=100} for more than a few, {@code
 * -Danabranch.killSeed=N} for others.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS) // for those who ask for many
final class KeepKillCyclesTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final String CONFIGURATION =
      """
      volumes { a { path = a.img, size = 1 MiB } }
      targets { "iqn.2026-11.org.example:t" {
        luns { 0 = a, 1 = "a@point", 2 = "a@older", 3 = "a@newer" }
      } }
      """;
  private static final int BLOCKS = 256;

  /** Bytes a second: a merge of 1 MiB is met in its middle, also after the next start. */
  private static final long SLOW = 1 << 20;

  private static final int KILL_EARLY_NANOS = 40_000_000;
  private static final int KILL_LATE_NANOS = 1_000_000_000;
  private static final int KILL_AT_END_NANOS = 150_000_000;

  /** What a kill is to hit. */
  private enum Aim {
    BEGINNING,
    MIDDLE,
    END
  }

  private final Random random = new Random(Long.getLong("anabranch.killSeed", 1));
  private final Map<String, Integer> counts = new TreeMap<>();
  private final Path folder;
  private final Site site;
  private int generation;

  /** The generations that the volume and its snapshots have. */
  private int volume;

  private int point;
  private int older;
  private int newer;

  /** Whether a merge was answered before the last kill: then it has happened. */
  private boolean answered;

  KeepKillCyclesTest(@TempDir Path folder) {
    this.folder = folder;
    site = new Site(folder);
  }

  @Test
  void killsLeaveTheOldOrTheNewVolumeAndTheRestorePoint() throws Exception {
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      older = fill(host);
      site.ask("snapshot create", Map.of("names", List.of("a@older")));
      point = fill(host);
      site.ask("snapshot create", Map.of("names", List.of("a@point")));
      newer = fill(host);
      site.ask("snapshot create", Map.of("names", List.of("a@newer")));
      volume = newer;
      assertThat(server.terminate()).isZero();
    }
    int kills = Integer.getInteger("anabranch.keepKills", 2);
    int killed = 0;
    while (killed < kills) {
      killed += cycle(killed + 1 < kills && random.nextInt(4) == 0);
    }
    System.out.println(killed + " kills of merges that keep their snapshot: " + counts);
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(CONFIGURATION)) {
      check(Site.Host.logIn(initiator, server, TARGET));
      assertThat(server.terminate()).isZero();
    }
  }

  /**
   * Writes, merges, and kills.
   *
   * @param again kill the next start, too
   * @return how many kills that were
   */
  private int cycle(boolean again) throws Exception {
    Aim aim = Aim.values()[random.nextInt(Aim.values().length)];
    try (Initiator initiator = new Initiator(1);
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      check(host);
      volume = fill(host);
      CountDownLatch now = new CountDownLatch(1);
      Thread killer = killer(server, now, aim);
      if (aim != Aim.END) {
        now.countDown();
      }
      answered = false;
      try {
        site.ask(
            "snapshot merge",
            Map.of("name", "a@point", "now", true, "keep", true, "throttle", SLOW));
        answered = true;
        if (aim == Aim.END) {
          now.countDown();
          site.ask("snapshot throttle", Map.of("name", "a@point", "bytes-per-second", 0));
        }
      } catch (RefusedException e) {
        assertThat(now.getCount()).as("before the kill: %s%n%s", e, server.errors()).isZero();
      }
      killer.join();
      server.await();
      assertThat(server.errors()).doesNotContain("ERROR");
      counts.merge(answered ? aim + ", answered" : aim + ", not answered", 1, Integer::sum);
    }
    if (!again) {
      return 1;
    }
    try (ServerProcess server =
        new ServerProcess(folder, "serve", "--config", site.configuration.toString())) {
      CountDownLatch now = new CountDownLatch(1);
      Thread killer = killer(server, now, Aim.MIDDLE);
      now.countDown();
      killer.join();
      server.await();
      counts.merge("the next start", 1, Integer::sum);
    }
    return 2;
  }

  private Thread killer(ServerProcess server, CountDownLatch now, Aim aim) {
    int wait =
        random.nextInt(
            switch (aim) {
              case BEGINNING -> KILL_EARLY_NANOS;
              case MIDDLE -> KILL_LATE_NANOS;
              case END -> KILL_AT_END_NANOS;
            });
    return Thread.ofPlatform()
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
  }

  private void check(Site.Host host) throws Exception {
    Await.until(
        "what is queued has begun", this::phases, phases -> !phases.containsValue("queued"));
    Map<String, String> phases = phases();
    assertThat(phases).containsOnlyKeys("a@newer", "a@older", "a@point");
    checkSnapshots(host);
    int found = value(host.disk(0));
    assertThat(found).isIn(volume, point);
    assertThat(found == point || !answered).as("the merge that was answered").isTrue();
    if ("merging".equals(phases.get("a@point"))) {
      assertThat(found).as("of a merge that goes on").isEqualTo(point);
      counts.merge("found merging", 1, Integer::sum);
      try {
        site.ask("snapshot throttle", Map.of("name", "a@point", "bytes-per-second", 0));
      } catch (RefusedException e) {
        assertThat(e).hasMessageMatching("(?s).*(no rollback|not being rolled back).*"); // it ended
      }
      Await.until("no merge is left", this::phases, all -> !all.containsValue("merging"));
      checkSnapshots(host);
      assertThat(value(host.disk(0))).isEqualTo(point);
    } else if (volume != newer) {
      counts.merge(found == volume ? "found old" : "found new", 1, Integer::sum);
    }
    volume = found;
    Await.until("a store for each snapshot, and none besides", this::stores, count -> count == 3);
  }

  private void checkSnapshots(Site.Host host) throws Exception {
    assertThat(value(host.disk(1))).as("restore point").isEqualTo(point);
    assertThat(value(host.disk(2))).as("older snapshot").isEqualTo(older);
    assertThat(value(host.disk(3))).as("newer snapshot").isEqualTo(newer);
  }

  private long stores() throws Exception {
    try (Stream<Path> files = Files.list(folder.resolve("state/cow"))) {
      return files.count();
    }
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

  /** Fills the volume with a new generation, which it returns. */
  private int fill(Site.Host host) throws Exception {
    generation++;
    Disk disk = host.disk(0);
    for (int first = 0; first < BLOCKS; first += 64) {
      ByteBuffer data = ByteBuffer.allocate(64 * 4096);
      for (int i = 0; i < 64; i++) {
        data.putInt(i * 4096, generation);
      }
      Initiator.await(disk.write(first * 8L, data), 30);
    }
    return generation;
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
