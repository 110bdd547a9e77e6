// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rate limits in figures: asked and measured, in all and of the session that had the least and the
 * most, for 1, 16 and 64 sessions over the network. {@code -Danabranch.rateSeconds=5} measures for
 * longer than a build; the table goes to standard output, and into docs/performance.md by hand.
 */
@Timeout(300)
final class RateFiguresTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";
  private static final int SESSIONS = 64;
  private static final int BURST_MILLIS = 100;
  private static final double LEAST = 0.3; // of what is asked for, in one window at least
  private static final int WINDOWS = 60;

  /** What a limit says, and what sessions do: the first half of them reads, the others write. */
  private record Case(
      String name, Map<String, Long> limits, int depth, int blocks, double reads, double writes) {
    /** Commands a second that are asked for. */
    double asked() {
      return reads + writes;
    }
  }

  /** One session's disk and how many commands it has had. */
  private static final class Load {
    final Disk disk;
    final LongAdder done = new LongAdder();
    volatile boolean over;

    Load(Disk disk) {
      this.disk = disk;
    }

    CompletableFuture<Void> run(int depth, Supplier<CompletableFuture<ByteBuffer>> command) {
      List<CompletableFuture<Void>> all = new ArrayList<>();
      for (int i = 0; i < depth; i++) {
        all.add(next(command));
      }
      return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new));
    }

    private CompletableFuture<Void> next(Supplier<CompletableFuture<ByteBuffer>> command) {
      return command
          .get()
          .thenCompose(_ -> {
            done.increment();
            return over ? CompletableFuture.completedFuture(null) : next(command);
          });
    }
  }

  @TempDir private Path folder;

  private static List<Case> cases() {
    return List.of(
        new Case("`iops = 2000`, reads", Map.of("iops", 2000L), 8, 8, 2000, 0),
        new Case("`iops = 2000`, writes", Map.of("iops", 2000L), 8, 8, 0, 2000),
        new Case(
            "`bytes-per-second = 64 MiB`, reads of 64 KiB",
            Map.of("bytes-per-second", 64L << 20),
            4,
            128,
            1024,
            0),
        new Case(
            "`read-iops = 1500, write-iops = 500`, both",
            Map.of("read-iops", 1500L, "write-iops", 500L),
            8,
            8,
            1500,
            500));
  }

  private static Map<String, Object> limit(Map<String, Long> limits) {
    Map<String, Object> arguments = new HashMap<>(limits);
    arguments.put("volume", "v");
    arguments.put("none", true);
    arguments.put("burst-millis", (long) BURST_MILLIS);
    return arguments;
  }

  @Test
  void whatIsAskedForIsMeasuredAndSharedByAllSessions() throws Exception {
    Site site = new Site(folder);
    int seconds = Integer.getInteger("anabranch.rateSeconds", 0);
    List<Integer> counts = List.of(1, 16, SESSIONS);
    StringBuilder table =
        new StringBuilder("| limit and load | sessions | asked | measured | least | most |\n");
    try (Initiator initiator = new Initiator(1);
        ServerProcess server =
            site.serve(
                "volumes { v { path = v.img, size = 64 MiB } }\n"
                    + "targets { \"iqn.2026-11.org.example:t\" { luns { 0 = v } } }\n")) {
      List<Disk> disks = new ArrayList<>();
      for (int i = 0; i < SESSIONS; i++) {
        disks.add(Site.Host.logIn(initiator, server, TARGET).disk(0));
      }
      for (Case each : cases()) {
        site.ask("volume limit", limit(each.limits()));
        for (int count : counts) {
          measure(each, disks.subList(0, count), seconds, table);
        }
      }
      System.out.print(table);
      assertThat(server.terminate()).isZero();
    }
  }

  private static void measure(Case each, List<Disk> disks, int seconds, StringBuilder table)
      throws Exception {
    List<Load> loads = new ArrayList<>();
    List<CompletableFuture<Void>> ends = new ArrayList<>();
    boolean both = each.reads() > 0 && each.writes() > 0;
    for (int i = 0; i < disks.size(); i++) {
      boolean reads = both ? i * 2 < disks.size() : each.reads() > 0;
      Load load = new Load(disks.get(i));
      loads.add(load);
      ends.add(load.run(each.depth(), command(load.disk, reads, each.blocks())));
      if (both && disks.size() == 1) { // one session does both
        Load other = new Load(disks.get(i));
        loads.add(other);
        ends.add(other.run(each.depth(), command(other.disk, false, each.blocks())));
      }
    }
    pause(Duration.ofMillis(2 * BURST_MILLIS)); // so that what is saved up does not count
    String what = each.name() + ", " + disks.size() + " sessions";
    double[] rates;
    double total;
    int windows = seconds == 0 ? WINDOWS : 1;
    do { // a busy machine may do little in one of them
      rates = rates(loads, seconds == 0 ? Duration.ofMillis(250) : Duration.ofSeconds(seconds));
      total = Arrays.stream(rates).sum();
      // What a late timer makes up for, and what is saved up, are 100 ms each.
      assertThat(total / each.asked()).as(what).isLessThan(1.8);
    } while (total / each.asked() < LEAST && --windows > 0);
    loads.forEach(load -> load.over = true);
    for (CompletableFuture<Void> end : ends) {
      Initiator.await(end, 60);
    }
    double least = Double.MAX_VALUE;
    double most = 0;
    for (int i = 0; i < rates.length; i++) {
      boolean reads = both ? i * 2 < rates.length : each.reads() > 0;
      int sharers = both ? Math.max(1, rates.length / 2) : rates.length;
      double share = rates[i] / ((reads ? each.reads() : each.writes()) / sharers);
      least = Math.min(least, share);
      most = Math.max(most, share);
    }
    table.append(
        String.format(
            Locale.ROOT,
            "| %s | %d | %.0f | %.0f | %.2f | %.2f |%n",
            each.name(),
            disks.size(),
            each.asked(),
            total,
            least,
            most));
    assertThat(total / each.asked()).as(what).isGreaterThanOrEqualTo(LEAST);
    if (seconds > 0) {
      assertThat(total / each.asked()).as(what).isBetween(0.9, 1.03);
      assertThat(least).as("least share of %s", what).isGreaterThan(0.85);
      assertThat(most).as("largest share of %s", what).isLessThan(1.15);
    }
  }

  /** Commands a second of each; a delay of this thread makes them smaller and not larger. */
  private static double[] rates(List<Load> loads, Duration window) {
    long begin = System.nanoTime();
    long[] before = loads.stream().mapToLong(load -> load.done.sum()).toArray();
    pause(window);
    long[] after = loads.stream().mapToLong(load -> load.done.sum()).toArray();
    double took = (System.nanoTime() - begin) / 1e9;
    double[] rates = new double[after.length];
    for (int i = 0; i < after.length; i++) {
      rates[i] = (after[i] - before[i]) / took;
    }
    return rates;
  }

  private static Supplier<CompletableFuture<ByteBuffer>> command(
      Disk disk, boolean reads, int blocks) {
    return reads
        ? () -> disk.read(0, blocks)
        : () -> disk.write(0, ByteBuffer.allocate(blocks * 512));
  }

  /** This is what is measured: nothing else tells when the time is over. */
  private static void pause(Duration time) {
    long until = System.nanoTime() + time.toNanos();
    while (System.nanoTime() < until) {
      LockSupport.parkNanos(until - System.nanoTime());
    }
  }
}
