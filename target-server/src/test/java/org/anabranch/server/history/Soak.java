// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.initiator.history.Event;
import org.anabranch.initiator.history.HistoryHost;
import org.anabranch.initiator.history.Recorder;
import org.anabranch.server.Site;
import org.anabranch.server.base.RefusedException;

/**
 * Everything at once for a time: hosts that record what they write and read, that log in and out
 * and are cut off, snapshots, merges, copies, streams, exports, growth, reloads, stops. In the
 * first half the server is killed again and again; in the second half one process lives through all
 * of it and must hold no more at its end than at its beginning. {@code build/soak} runs it.
 */
public final class Soak {
  private static final int BYTES = 4 << 20;
  private static final int HOSTS = 4;
  private static final int LANES = 6;
  private static final Map<String, Integer> BLOCK_SIZES = Map.of("vm2", 4096);

  /** What the collector and caches of the libraries may keep, bytes. */
  private static final long HEAP_SLACK = 8 << 20;

  private static final long DIRECT_SLACK = 24 << 20;
  private static final long RESIDENT_SLACK = 160 << 20;

  /** Threads and descriptors that come and go with what was done last. */
  private static final int THREAD_SLACK = 12;

  private static final int DESCRIPTOR_SLACK = 12;

  private final long seed;
  private final long seconds;
  private final SplittableRandom random;
  private final Site site;
  private final Path folder;
  private final Map<String, Integer> counts = new TreeMap<>();
  private final String configuration = RecordedVolumes.configuration(BYTES, BLOCK_SIZES);

  Soak(Path folder, long seed, long seconds) {
    this.folder = folder;
    this.seed = seed;
    this.seconds = seconds;
    this.random = new SplittableRandom(seed);
    this.site = new Site(folder);
  }

  /** Arguments: folder, seed, seconds. */
  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[0]).toAbsolutePath());
    System.out.println(
        new Soak(folder, Long.parseLong(arguments[1]), Long.parseLong(arguments[2])).run());
  }

  /** Runs it; what was done, in words. */
  String run() throws Exception {
    site.configure(configuration);
    Path log = folder.resolve("history.log");
    try (Recorder recorder = new Recorder(log, false);
        RecordedServer hosts = new RecordedServer(recorder)) {
      recorder.happened(new Event.Note("soak, seed " + seed));
      RecordedVolumes volumes = new RecordedVolumes(hosts, site, BYTES, BLOCK_SIZES);
      RandomChanges changes = new RandomChanges(volumes, random.split());
      HistoryHost reader = hosts.host(RecordedVolumes.TARGET);
      for (int i = 0; i < HOSTS; i++) {
        hosts.host(RecordedVolumes.TARGET).start(LANES, random.split());
      }
      long began = System.nanoTime();
      long half = began + TimeUnit.SECONDS.toNanos(seconds) / 2;
      long end = began + TimeUnit.SECONDS.toNanos(seconds);
      while (System.nanoTime() < half) {
        try (SoakedServer server = serve(hosts, volumes, reader)) {
          long until = Math.min(half, System.nanoTime() + random.nextLong(500_000_000L, life()));
          disturb(hosts, volumes, changes, server, until);
          kill(hosts, changes, server, reader);
        }
      }
      String held;
      try (SoakedServer server = serve(hosts, volumes, reader)) {
        held = live(hosts, volumes, changes, server, end);
        reader.sweep();
        hosts.check();
        hosts.stop();
        must(server.terminate() == 0, "the stop was not clean: " + server.errors());
        must(!server.errors().contains("ERROR"), server.errors());
      }
      return String.format(
          "soak: seed %d, %d s: %d operations, %d events, %d logins, %s, %s; %s",
          seed,
          TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began),
          hosts.operations(),
          recorder.events(),
          hosts.hosts().stream().mapToLong(HistoryHost::reconnects).sum(),
          counts,
          changes.counts(),
          held);
    } catch (Exception | AssertionError e) {
      throw new AssertionError("seed " + seed + ", history " + log + ": " + e.getMessage(), e);
    }
  }

  private long life() {
    return Math.clamp(TimeUnit.SECONDS.toNanos(seconds) / 20, 1_000_000_000L, 20_000_000_000L);
  }

  private SoakedServer serve(RecordedServer hosts, RecordedVolumes volumes, HistoryHost reader)
      throws Exception {
    SoakedServer server = SoakedServer.start(site);
    try {
      hosts.at(server.portal());
      volumes.settle();
      reader.sweep();
      hosts.check();
      return server;
    } catch (Exception | AssertionError e) {
      server.close();
      throw e;
    }
  }

  /** One process from its beginning to its end: it holds no more then. */
  private String live(
      RecordedServer hosts,
      RecordedVolumes volumes,
      RandomChanges changes,
      SoakedServer server,
      long end)
      throws Exception {
    long quarter = System.nanoTime() + (end - System.nanoTime()) / 4;
    disturb(hosts, volumes, changes, server, quarter); // what is loaded once is loaded then
    SoakedServer.Holds before = rest(hosts, volumes, server);
    disturb(hosts, volumes, changes, server, end);
    SoakedServer.Holds after = rest(hosts, volumes, server);
    String held = "held " + before + "; afterwards " + after;
    must(
        after.descriptors() <= before.descriptors() + DESCRIPTOR_SLACK
            && after.threads() <= before.threads() + THREAD_SLACK
            && after.heap() <= before.heap() + HEAP_SLACK
            && after.direct() <= before.direct() + DIRECT_SLACK
            && after.resident() <= before.resident() + RESIDENT_SLACK
            && after.files() <= before.files(),
        held);
    return held;
  }

  /** What the server holds without snapshots and copies, and with hosts that are idle. */
  private static SoakedServer.Holds rest(
      RecordedServer hosts, RecordedVolumes volumes, SoakedServer server) throws Exception {
    volumes.clear();
    hosts.pause();
    try {
      return server.holds();
    } finally {
      hosts.carryOn();
    }
  }

  private void kill(
      RecordedServer hosts, RandomChanges changes, SoakedServer server, HistoryHost reader)
      throws Exception {
    Change aim = changes.any();
    changes.prepare(aim);
    long delay = changes.delayInto(aim);
    Thread killer =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              LockSupport.parkNanos(delay);
              server.process().destroyForcibly();
            });
    try {
      changes.perform(aim);
    } catch (RefusedException e) {
      must(RecordedVolumes.isLoss(e), e.getMessage() + server.errors());
    }
    killer.join();
    server.kill();
    reader.cut();
    hosts.died(new Event.Killed());
    hosts.check();
    must(!server.errors().contains("ERROR"), server.errors());
    count("kill");
  }

  private void disturb(
      RecordedServer hosts,
      RecordedVolumes volumes,
      RandomChanges changes,
      SoakedServer server,
      long until)
      throws Exception {
    while (System.nanoTime() < until) {
      hosts.check();
      HistoryHost host = hosts.hosts().get(random.nextInt(hosts.hosts().size()));
      switch (random.nextInt(12)) {
        case 0 -> {
          host.cut();
          count("cut");
        }
        case 1 -> {
          host.logOut();
          count("logout");
        }
        case 2 -> {
          Signals.stop(server.process());
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(300)));
          Signals.carryOn(server.process());
          count("stop and continue");
        }
        case 3 -> reload();
        case 4 -> makeAndRemoveAVolume();
        case 5 -> export(volumes);
        case 6 -> {
          site.ask("status", Map.of());
          site.ask("stats", Map.of());
          count("status");
        }
        default -> {
          Change change = changes.any();
          changes.prepare(change);
          changes.perform(change);
        }
      }
      hosts.awaitOperations(random.nextInt(200));
    }
    must(!server.errors().contains("ERROR"), server.errors());
  }

  /** Another target comes or goes. */
  private void reload() throws Exception {
    boolean more = random.nextBoolean();
    site.configure(
        more
            ? configuration + "targets { \"iqn.2026-11.org.example:other\" { luns { 0 = vm2 } } }\n"
            : configuration);
    site.ask("reload", Map.of());
    count("reload");
  }

  private void makeAndRemoveAVolume() throws Exception {
    site.ask("volume create", Map.of("name", "extra", "bytes", 1 << 20));
    site.ask("volume remove", Map.of("volume", "extra", "delete-image", true));
    count("volume");
  }

  private void export(RecordedVolumes volumes) throws Exception {
    List<String> ready = new ArrayList<>(volumes.ready("vm1"));
    ready.addAll(volumes.ready("vm2"));
    if (!ready.isEmpty()) {
      String file = folder.resolve("export.img").toString();
      String name = ready.get(random.nextInt(ready.size()));
      site.ask("snapshot export", Map.of("name", name, "file", file, "force", true));
      count("export");
    }
  }

  private void count(String what) {
    counts.merge(what, 1, Integer::sum);
  }

  private static void must(boolean holds, String otherwise) throws IOException {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }
}
