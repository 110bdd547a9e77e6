// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.workload.LatencyHistogram;
import org.anabranch.initiator.workload.LoadGenerator;

/**
 * A load of our own initiator: sessions that log in side by side, each with the whole load.
 *
 * @param sessions session n uses the first LUN + n modulo {@code luns}
 * @param luns how many LUNs, from the first one on
 * @param digests CRC32C for headers and data
 * @param load of each session; the seed of session n is greater by n
 */
record SessionLoad(int sessions, int luns, boolean digests, LoadGenerator.Load load) {
  private static final long PATIENCE_SECONDS = 60;

  /** What came of it: of each session, and of all. */
  record Outcome(List<LoadGenerator.Result> sessions) {
    LoadGenerator.Result all() {
      LatencyHistogram latency = new LatencyHistogram();
      sessions.forEach(session -> latency.add(session.latency()));
      LoadGenerator.Result first = sessions.getFirst();
      return new LoadGenerator.Result(latency, first.nanos(), first.bytes());
    }

    /** The slowest session's share of what each would have if all had the same. */
    double leastShare() {
      double least =
          sessions.stream()
              .mapToDouble(LoadGenerator.Result::operationsPerSecond)
              .min()
              .orElseThrow();
      return least * sessions.size() / all().operationsPerSecond();
    }
  }

  /** Sessions that are logged in. */
  List<Disk> logIn(Initiator initiator, InetSocketAddress portal, String target, int firstLun)
      throws IOException, InterruptedException {
    List<Disk> disks = new ArrayList<>();
    for (int i = 0; i < sessions; i++) {
      SessionOptions options =
          SessionOptions.normal(target)
              .as(SessionOptions.DEFAULT_INITIATOR + "." + i)
              .digests(digests, digests)
              .expDataSnUnchecked();
      Session session = Initiator.await(initiator.login(portal, options), PATIENCE_SECONDS);
      disks.add(Initiator.await(Disk.open(session, firstLun + i % luns), PATIENCE_SECONDS));
    }
    return disks;
  }

  /** Begins on all sessions at once. */
  List<CompletableFuture<LoadGenerator.Result>> begin(List<Disk> disks) {
    List<CompletableFuture<LoadGenerator.Result>> runs = new ArrayList<>();
    for (int i = 0; i < disks.size(); i++) {
      runs.add(LoadGenerator.run(disks.get(i), load.withSeed(load.seed() + i)));
    }
    return runs;
  }

  /** Waits for all, and logs out. */
  Outcome end(List<Disk> disks, List<CompletableFuture<LoadGenerator.Result>> runs)
      throws IOException, InterruptedException {
    long patience = load.warmup().plus(load.measured()).toSeconds() + PATIENCE_SECONDS;
    List<LoadGenerator.Result> results = new ArrayList<>();
    for (CompletableFuture<LoadGenerator.Result> run : runs) {
      results.add(Initiator.await(run, patience));
    }
    for (Disk disk : disks) {
      Initiator.await(disk.session().logout(), PATIENCE_SECONDS);
    }
    return new Outcome(results);
  }
}
