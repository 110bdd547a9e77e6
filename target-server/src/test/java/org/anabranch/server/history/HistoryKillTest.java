// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.block.testing.TakesLong;
import org.anabranch.initiator.history.Event;
import org.anabranch.initiator.history.HistoryHost;
import org.anabranch.initiator.history.Recorder;
import org.anabranch.server.ServerProcess;
import org.anabranch.server.Site;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Hosts write and read two volumes, their snapshots and copies of them, without a break, while a
 * real server is killed in the middle of every kind of change, its connections are cut, and it is
 * stopped and continued. The {@link org.anabranch.initiator.history.Checker} judges every read.
 * {@code -Danabranch.historyKills=200} for more than a few, {@code -Danabranch.historySeed=N} for
 * others; {@code -Danabranch.historyLog=FILE} keeps the log.
 */
@TakesLong
final class HistoryKillTest {
  private static final int KILLS = Integer.getInteger("anabranch.historyKills", 3);
  private static final long SEED = Long.getLong("anabranch.historySeed", 1);
  private static final int BYTES = 2 << 20;
  private static final Map<String, Integer> BLOCK_SIZES = Map.of("vm2", 4096);
  private static final int HOSTS = 2;
  private static final int LANES = 4;
  private static final int MOST_CHANGES = 3;

  private final SplittableRandom random = new SplittableRandom(SEED);
  private final Map<Change, Integer> killed = new EnumMap<>(Change.class);
  private final Map<Change, Integer> brokenOff = new EnumMap<>(Change.class);

  @TempDir private Path folder;

  @Test
  @Timeout(value = 3, unit = TimeUnit.HOURS) // for those who ask for many
  void everyReadFitsAnOrder() throws Exception {
    String log = System.getProperty("anabranch.historyLog");
    Path file = log == null ? folder.resolve("history.log") : Path.of(log);
    Site site = new Site(folder);
    String configuration = RecordedVolumes.configuration(BYTES, BLOCK_SIZES);
    try (Recorder recorder = new Recorder(file, false);
        RecordedServer hosts = new RecordedServer(recorder)) {
      recorder.happened(new Event.Note("seed " + SEED));
      RecordedVolumes volumes = new RecordedVolumes(hosts, site, BYTES, BLOCK_SIZES);
      RandomChanges changes = new RandomChanges(volumes, random.split());
      HistoryHost reader = hosts.host(RecordedVolumes.TARGET);
      for (int i = 0; i < HOSTS; i++) {
        hosts.host(RecordedVolumes.TARGET).start(LANES, random.split());
      }
      for (int kill = 0; kill < KILLS; kill++) {
        // Writes are cached in two of three lives; the third replays what it finds all the same.
        String cached = kill % 3 == 2 ? "write-cache.size = 0\n" : "write-cache.size = 4 MiB\n";
        try (ServerProcess server = site.serve(configuration + cached)) {
          hosts.at(server.portal());
          Change broken = volumes.settle();
          if (broken != null) {
            brokenOff.merge(broken, 1, Integer::sum);
          }
          cycle(hosts, reader, changes, server, kill);
        }
      }
      try (ServerProcess server = site.serve(configuration)) {
        hosts.at(server.portal());
        volumes.settle();
        reader.sweep();
        volumes.clear();
        reader.sweep();
        hosts.check();
        hosts.stop();
        assertThat(folder.resolve("state/cow").toFile().list()).isNullOrEmpty();
        assertThat(server.terminate()).isZero();
        assertThat(server.errors()).doesNotContain("ERROR");
      }
      System.out.printf(
          "history: seed %d, %d kills, in the middle of %s (%s without an answer); changes %s; %d"
              + " operations, %d events, %d logins%n",
          SEED,
          KILLS,
          killed,
          brokenOff,
          changes.counts(),
          hosts.operations(),
          recorder.events(),
          hosts.hosts().stream().mapToLong(HistoryHost::reconnects).sum());
    } catch (Exception | AssertionError e) {
      throw new AssertionError("seed " + SEED + ", history " + file + ": " + e.getMessage(), e);
    }
  }

  /** From a start to a kill. */
  private void cycle(
      RecordedServer hosts,
      HistoryHost reader,
      RandomChanges changes,
      ServerProcess server,
      int kill)
      throws Exception {
    reader.sweep();
    hosts.check();
    for (int i = random.nextInt(MOST_CHANGES); i > 0; i--) {
      disturb(hosts, server);
      Change change = changes.any();
      changes.prepare(change);
      changes.perform(change);
      hosts.awaitOperations(20);
    }
    // Every kind in turn, then by chance.
    Change aim =
        kill < 2 * Change.ALL.size()
            ? Change.ALL.get((int) ((kill + SEED) % Change.ALL.size()))
            : changes.any();
    changes.prepare(aim);
    hosts.check();
    CountDownLatch now = new CountDownLatch(1);
    Thread killer = killer(server, now, changes.delayInto(aim));
    killed.merge(aim, 1, Integer::sum);
    @Nullable RefusedException end = null;
    try {
      now.countDown();
      changes.perform(aim);
    } catch (RefusedException e) {
      end = e;
    }
    killer.join();
    server.await();
    if (end != null && !RecordedVolumes.isLoss(end)) {
      throw new AssertionError("before the kill: " + end.getMessage() + server.errors(), end);
    }
    reader.cut();
    hosts.died(new Event.Killed());
    hosts.check();
    assertThat(server.errors()).doesNotContain("ERROR");
  }

  private void disturb(RecordedServer hosts, ServerProcess server) throws Exception {
    switch (random.nextInt(4)) {
      case 0 -> hosts.hosts().get(random.nextInt(hosts.hosts().size())).cut();
      case 1 -> {
        Signals.stop(server.process());
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(200)));
        Signals.carryOn(server.process());
      }
      default -> hosts.awaitOperations(50);
    }
  }

  private static Thread killer(ServerProcess server, CountDownLatch now, long delay) {
    return Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            now.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          LockSupport.parkNanos(delay);
          server.process().destroyForcibly();
        });
  }
}
