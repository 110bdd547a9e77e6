// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.block.cache.RingDamage;
import org.anabranch.block.file.CrashFiles;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.history.Event;
import org.anabranch.initiator.history.HistoryHost;
import org.anabranch.initiator.history.Recorder;
import org.anabranch.server.FolderCopy;
import org.anabranch.server.Site;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.serve.Server;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The power of a whole server under load is cut at random moments, in the middle of changes, and
 * its disks lose any of what was not synced: what was flushed or written with FUA is there,
 * snapshots and rollbacks that were answered are whole. Writes are cached in every other life.
 * {@code -Danabranch.powerCuts=200} for more, {@code -Danabranch.historySeed=N} for others, {@code
 * -Danabranch.historyLog=FILE} keeps the log.
 */
final class HistoryPowerCutTest {
  private static final int CUTS = Integer.getInteger("anabranch.powerCuts", 4);
  private static final long SEED = Long.getLong("anabranch.historySeed", 1);
  private static final int BYTES = 256 << 10;
  private static final int HOSTS = 2;
  private static final int LANES = 4;

  private final SplittableRandom random = new SplittableRandom(SEED);
  private int lost;

  @TempDir private Path folder;

  @Test
  @Timeout(value = 2, unit = TimeUnit.HOURS) // for those who ask for many
  void whatWasFlushedIsThere() throws Exception {
    try (CrashFiles files = CrashFiles.install()) {
      System.out.println(run(files, CUTS));
    }
  }

  /** Disks on which a flush does nothing are found out. */
  @Test
  void disksThatLieAreFoundOut() {
    assertThatThrownBy(
            () -> {
              try (CrashFiles files = CrashFiles.installLying()) {
                run(files, 20);
              }
            })
        .isInstanceOf(AssertionError.class);
  }

  private String run(CrashFiles files, int cuts) throws Exception {
    String kept = System.getProperty("anabranch.historyLog");
    Path log = kept == null ? folder.resolve("history.log") : Path.of(kept);
    Site site = new Site(Files.createDirectory(folder.resolve("world0")));
    try (Recorder recorder = new Recorder(log, true);
        RecordedServer hosts = new RecordedServer(recorder)) {
      recorder.happened(new Event.Note("power cuts, seed " + SEED));
      RecordedVolumes volumes = new RecordedVolumes(hosts, site, BYTES, Map.of());
      RandomChanges changes = new RandomChanges(volumes, random.split());
      HistoryHost reader = hosts.host(RecordedVolumes.TARGET);
      for (int i = 0; i < HOSTS; i++) {
        hosts.host(RecordedVolumes.TARGET).start(LANES, random.split());
      }
      for (int cut = 0; cut < cuts; cut++) {
        Server server = start(site, files, cut % 2 == 0);
        Site next = new Site(folder.resolve("world" + (cut + 1)));
        try (server) {
          hosts.at(server.portals().getFirst());
          volumes.at(site);
          volumes.settle();
          reader.sweep();
          hosts.check();
          hosts.awaitOperations(50);
          cut(hosts, volumes, changes, new World(files, site.folder, next.folder));
        }
        delete(site.folder);
        site = next;
      }
      try (Server server = start(site, files, false)) {
        hosts.at(server.portals().getFirst());
        volumes.at(site);
        volumes.settle();
        reader.sweep();
        hosts.check();
        hosts.stop();
      }
      return String.format(
          "history: seed %d, %d power cuts that took back %d sectors; changes %s; %d operations, %d"
              + " events",
          SEED, cuts, lost, changes.counts(), hosts.operations(), recorder.events());
    } catch (Exception | AssertionError e) {
      throw new AssertionError("seed " + SEED + ": " + e.getMessage(), e);
    }
  }

  private record World(CrashFiles files, Path from, Path to) {}

  private void cut(
      RecordedServer hosts, RecordedVolumes volumes, RandomChanges changes, World world)
      throws Exception {
    Change aim = changes.any();
    changes.prepare(aim);
    long delay = changes.delayInto(aim);
    SplittableRandom losses = random.split();
    Throwable[] failure = new Throwable[1];
    Thread cutter =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              LockSupport.parkNanos(delay);
              try {
                strike(hosts, volumes, world, losses);
              } catch (Exception | AssertionError e) {
                failure[0] = e;
              }
            });
    try {
      changes.perform(aim);
    } catch (RefusedException e) {
      assertThat(RecordedVolumes.isLoss(e)).as(e.getMessage()).isTrue();
    }
    cutter.join();
    if (failure[0] != null) {
      throw new AssertionError(failure[0]);
    }
    hosts.check();
  }

  private void strike(
      RecordedServer hosts, RecordedVolumes volumes, World world, SplittableRandom losses)
      throws Exception {
    volumes.dead(); // what is answered from now on counts as not answered
    world.files.freeze();
    try {
      FolderCopy.of(world.from, world.to);
      RingDamage.ageToAnotherBoot(world.to.resolve("state/write-cache"));
      lost += world.files.strike(world.from, world.to, losses);
      hosts.at(null);
      hosts.hosts().forEach(HistoryHost::cut);
      hosts.died(new Event.PowerCut());
    } finally {
      world.files.thaw();
    }
  }

  private static Server start(Site site, CrashFiles files, boolean cached) throws Exception {
    site.configure(
        RecordedVolumes.configuration(BYTES, Map.of())
            + (cached ? "write-cache.size = 1 MiB\n" : "write-cache.size = 0\n"));
    Configuration parsed =
        ConfigurationFile.parse("test", Files.readString(site.configuration), site.folder);
    return Server.start(parsed, () -> parsed, step -> files.step());
  }

  private static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path at, IOException e) throws IOException {
            Files.deleteIfExists(at);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
