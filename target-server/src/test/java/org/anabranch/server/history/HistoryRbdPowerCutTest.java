// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.TestCeph;
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
 * The server and the only OSD lose their power together, under load and in the middle of changes of
 * RBD volumes whose stores are in the cluster; the OSD's disk loses what it had not synced. Since
 * Ceph acknowledges what is durable, all that was acknowledged must be there. The server's own
 * folder loses nothing here ({@link HistoryPowerCutTest} does that), and neither does the monitor.
 * {@code -Danabranch.rbdPowerCuts=50} for more, {@code -Danabranch.historySeed=N} for others.
 */
final class HistoryRbdPowerCutTest {
  private static final int CUTS = Integer.getInteger("anabranch.rbdPowerCuts", 2);
  private static final long SEED = Long.getLong("anabranch.historySeed", 1);
  private static final int BYTES = 2 << 20;
  private static final int HOSTS = 2;
  private static final int LANES = 4;
  private static final int OPERATIONS_BEFORE = 100;
  private static final List<Change> CHANGES = List.of(Change.CREATE, Change.MERGE, Change.REMOVE);

  private final SplittableRandom random = new SplittableRandom(SEED);
  private final Map<Change, Integer> middles = new EnumMap<>(Change.class);
  private long unsynced;
  private long lost;

  @TempDir private Path folder;

  @Test
  @Timeout(value = 2, unit = TimeUnit.HOURS) // for those who ask for many
  void whatWasAcknowledgedIsThere() throws Exception {
    try (TestCeph ceph = TestCeph.requireWithPower(false)) {
      System.out.println(run(ceph, CUTS));
    }
  }

  /** A disk whose syncs do nothing is found out: by the checker, or by an OSD that is damaged. */
  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void aDiskThatLiesIsFoundOut() throws Exception {
    try (TestCeph ceph = TestCeph.requireWithPower(true)) {
      assertThatThrownBy(() -> run(ceph, 10)).isInstanceOf(AssertionError.class);
    }
  }

  private String run(TestCeph ceph, int cuts) throws Exception {
    Path log = folder.resolve("history.log");
    Site site = new Site(Files.createDirectory(folder.resolve("server")));
    String configuration =
        "ceph.conf = \""
            + ceph.conf()
            + "\"\nstores.pool = rbd\n"
            + RecordedVolumes.configuration(
                BYTES, Map.of(), volume -> "rbd = \"rbd/" + volume + "\"");
    try (Recorder recorder = new Recorder(log, false);
        RecordedServer hosts = new RecordedServer(recorder)) {
      recorder.happened(new Event.Note("power cuts of RBD, seed " + SEED));
      RecordedVolumes volumes = new RecordedVolumes(hosts, site, BYTES, Map.of());
      RandomChanges changes = new RandomChanges(volumes, random.split());
      HistoryHost reader = hosts.host(RecordedVolumes.TARGET);
      for (int i = 0; i < HOSTS; i++) {
        hosts.host(RecordedVolumes.TARGET).start(LANES, random.split());
      }
      for (int cut = 0; cut < cuts; cut++) {
        try (ServerProcess server = serve(site, configuration)) {
          hosts.at(server.portal());
          volumes.settle();
          reader.sweep();
          hosts.check();
          cut(ceph, hosts, changes, server);
          reader.cut();
          hosts.died(new Event.Killed());
          hosts.check();
        }
        ceph.startOsd();
      }
      try (ServerProcess server = serve(site, configuration)) {
        hosts.at(server.portal());
        volumes.settle();
        reader.sweep();
        volumes.clear();
        reader.sweep();
        hosts.check();
        hosts.stop();
        assertThat(server.terminate()).as(server.errors()).isZero();
      }
      return String.format(
          "RBD power cuts: seed %d, %d cuts in the middle of %s, %d of %d blocks that were not synced"
              + " lost, %d operations, nothing that was acknowledged lost",
          SEED, cuts, middles, lost, unsynced, hosts.operations());
    } catch (Exception | AssertionError e) {
      throw new AssertionError("seed " + SEED + ", history " + log + ": " + e.getMessage(), e);
    }
  }

  /** A server that has the volumes: the dead one's locks are not in its way. */
  private static ServerProcess serve(Site site, String configuration) throws Exception {
    ServerProcess server = site.serve(configuration);
    Await.until(
        "the volumes are served",
        () -> {
          Object all = Objects.requireNonNull(site.ask("status", Map.of()).get("volumes"));
          return ((List<?>) all)
              .stream().allMatch(each -> "served".equals(((Map<?, ?>) each).get("state")));
        });
    return server;
  }

  private void cut(TestCeph ceph, RecordedServer hosts, RandomChanges changes, ServerProcess server)
      throws Exception {
    Change aim = CHANGES.get(random.nextInt(CHANGES.size()));
    changes.prepare(aim);
    hosts.awaitOperations(OPERATIONS_BEFORE);
    long delay = changes.delayInto(aim);
    long seed = random.nextLong(Long.MAX_VALUE);
    middles.merge(aim, 1, Integer::sum);
    CompletableFuture<long[]> power =
        CompletableFuture.supplyAsync(() -> {
          LockSupport.parkNanos(delay);
          try {
            return ceph.cutPower(server.process(), seed);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
    @Nullable RefusedException end = null;
    try {
      changes.perform(aim);
    } catch (RefusedException e) {
      end = e;
    }
    long[] blocks = power.get(5, TimeUnit.MINUTES);
    unsynced += blocks[0];
    lost += blocks[1];
    server.await();
    if (end != null && !RecordedVolumes.isLoss(end)) {
      throw new AssertionError("before the cut: " + end.getMessage() + server.errors(), end);
    }
  }
}
