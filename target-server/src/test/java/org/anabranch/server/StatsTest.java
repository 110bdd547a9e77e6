// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.control.RecordJson;
import org.anabranch.server.control.verbs.CounterEntry;
import org.anabranch.server.control.verbs.StatsVerb;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code anabranch stats}: what a real server counts while a real initiator works with it. */
final class StatsTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";

  @TempDir private Path folder;

  private static StatsVerb.Result stats(Site site) throws RefusedException {
    return RecordJson.read(StatsVerb.Result.class, site.ask("stats", Map.of()), "stats");
  }

  private static Map<String, Long> counters(StatsVerb.Result stats) {
    Map<String, Long> counters = new TreeMap<>();
    for (CounterEntry counter : stats.counters()) {
      String of = RecordJson.constant(counter.of());
      String subject = of.equals("file") ? of : of + " " + counter.name();
      counters.merge(
          subject + ": " + counter.layer() + " " + counter.counter(), counter.value(), Long::sum);
    }
    return counters;
  }

  private static Map<String, Long> latencies(StatsVerb.Result stats) {
    Map<String, Long> counts = new TreeMap<>();
    stats
        .latencies()
        .forEach(each ->
            counts.put(
                RecordJson.constant(each.of()) + " " + each.name() + ": " + each.latency(),
                each.durations().count()));
    return counts;
  }

  @Test
  void aReadingIsWhatTheInitiatorDid() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server =
            site.serve(
                """
                volumes { vm1 { path = vm1.img, size = 16 MiB } }
                targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
                """)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk disk = host.disk(0);
      Map<String, Long> before = counters(stats(site));
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "a", "chunk-sectors", 8));
      for (int i = 0; i < 20; i++) {
        Initiator.await(disk.write(i * 64L, ByteBuffer.allocate(4096)), 30);
      }
      for (int i = 0; i < 7; i++) {
        Initiator.await(disk.read(0, 8), 30);
      }
      Initiator.await(disk.flush(), 30);
      StatsVerb.Result stats = stats(site);
      Map<String, Long> after = counters(stats);
      Map<String, Long> moved = new TreeMap<>(after);
      before.forEach((key, value) -> moved.merge(key, -value, Long::sum));
      assertThat(moved)
          .containsEntry("unit vm1: unit reads", 7L)
          .containsEntry("unit vm1: unit read-bytes", 7L * 4096)
          .containsEntry("unit vm1: unit writes", 20L)
          .containsEntry("unit vm1: unit written-bytes", 20L * 4096)
          .containsEntry("unit vm1: unit device-errors", 0L)
          .containsEntry("device vm1: io reads", 7L)
          .containsEntry("device vm1: io writes", 20L)
          .containsEntry("device vm1: io written-bytes", 20L * 4096)
          .containsEntry("device vm1: origin copy-waits", 20L)
          .containsEntry("device vm1@a: snapshot cow-copies", 20L)
          .containsEntry("device vm1@a: snapshot cow-copied-bytes", 20L * 4096)
          .containsEntry("device vm1@a: store records", 20L)
          .containsEntry("session 1: session data-in-bytes", 7L * 4096)
          .containsEntry("session 1: session data-out-bytes", 20L * 4096)
          .containsEntry("server : login logins", 0L);
      assertThat(after)
          .containsEntry("server : login logins", 1L)
          .containsEntry("server : connection accepted", 1L)
          .containsEntry("server : login-refusals not-found", 0L);
      assertThat(latencies(stats))
          .containsEntry("device vm1@a: exception", 20L)
          .containsEntry("unit vm1: read", after.getOrDefault("unit vm1: unit reads", 0L))
          .containsEntry("unit vm1: write", after.getOrDefault("unit vm1: unit writes", 0L));
      assertThat(stats.volumes())
          .filteredOn(volume -> volume.name().equals("vm1"))
          .singleElement()
          .satisfies(volume -> assertThat(volume.cowCopies()).isEqualTo(20));

      site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true));
      Await.until(
          "the merge has ended",
          () -> site.ask("snapshot list", Map.of()).toString(),
          list -> !list.contains("vm1@a"));
      Map<String, Long> merged = counters(stats(site));
      assertThat(merged)
          .containsEntry("device vm1: merge completions", 1L)
          .containsEntry("device vm1: merge chunks", 20L)
          .containsEntry("device vm1: merge copied-bytes", 20L * 4096)
          .containsEntry("device vm1: merge failures", 0L)
          .containsEntry("device vm1: store merged-records", 20L);
      host.session().logout().get();
      Await.until(
          "the logout is counted",
          () -> counters(stats(site)),
          all -> all.getOrDefault("server : login logouts", 0L) == 1);
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void aTableOfRatesForPeople() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server =
            site.serve(
                """
                volumes { vm1 { path = vm1.img, size = 16 MiB } }
                targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
                """)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Initiator.await(host.disk(0).read(0, 8), 30);
      List<String> lines = new ArrayList<>(site.anabranch(0, "stats").lines().toList());
      assertThat(lines.getFirst().split(" {2,}"))
          .containsExactly(
              "VOLUME", "R/S", "READ/S", "W/S", "WRITE/S", "R P50", "R P99", "W P50", "W P99",
              "QUEUE", "COW/S", "MERGE/S");
      assertThat(lines.get(1)).matches("vm1 +[0-9.]+ +[0-9.]+ [KM]?i?B +- +- +[0-9.]+ [um]s .*");
      Map<String, Object> json = Json.parse(site.anabranch(0, "stats", "--json"));
      assertThat(new TreeSet<>(json.keySet()))
          .containsExactly("counters", "latencies", "nanos", "volumes");
      assertThat(site.anabranch(2, "stats", "--watch", "0")).contains("--watch takes 1 to");
      assertThat(server.terminate()).isZero();
    }
  }
}
