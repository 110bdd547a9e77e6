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
 * A load from our own initiator: parallel sessions, each with the full load.
 *
 * @param sessions session n uses the first LUN + n modulo {@code luns}
 * @param luns number of LUNs, from the first one
 * @param digests CRC32C for headers and data
 * @param load the load of each session; session n adds n to the seed
 */
record SessionLoad(int sessions, int luns, boolean digests, LoadGenerator.Load load) {
  private static final long PATIENCE_SECONDS = 60;

  /** The results: of each session, and in total. */
  record Outcome(List<LoadGenerator.Result> sessions) {
    LoadGenerator.Result all() {
      LatencyHistogram latency = new LatencyHistogram();
      sessions.forEach(session -> latency.add(session.latency()));
      LoadGenerator.Result first = sessions.getFirst();
      return new LoadGenerator.Result(latency, first.nanos(), first.bytes());
    }

    /** The slowest session's part of an equal share. */
    double leastShare() {
      double least =
          sessions.stream()
              .mapToDouble(LoadGenerator.Result::operationsPerSecond)
              .min()
              .orElseThrow();
      return least * sessions.size() / all().operationsPerSecond();
    }
  }

  /** Logs all sessions in. */
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

  /** Starts the load on all sessions at once. */
  List<CompletableFuture<LoadGenerator.Result>> begin(List<Disk> disks) {
    List<CompletableFuture<LoadGenerator.Result>> runs = new ArrayList<>();
    for (int i = 0; i < disks.size(); i++) {
      runs.add(LoadGenerator.run(disks.get(i), load.withSeed(load.seed() + i)));
    }
    return runs;
  }

  /** Waits for all sessions and logs them out. */
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
