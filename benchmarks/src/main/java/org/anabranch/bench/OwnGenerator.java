// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.workload.LoadGenerator;

/** Our own initiator, on one thread, or on two if it has several sessions. */
record OwnGenerator(SessionLoad load, int firstLun) implements Generator {
  @Override
  public Measurement run(ServerProcess server) throws IOException, InterruptedException {
    try (Initiator initiator = new Initiator(Math.min(2, load.sessions()))) {
      List<Disk> disks =
          load.logIn(initiator, server.portal(), server.target(), server.firstLun() + firstLun);
      List<CompletableFuture<LoadGenerator.Result>> runs = load.begin(disks);
      TimeUnit.NANOSECONDS.sleep(load.load().warmup().toNanos());
      Usage before = server.usageAtBegin();
      TimeUnit.NANOSECONDS.sleep(load.load().measured().toNanos());
      Usage after = server.usage();
      SessionLoad.Outcome outcome = load.end(disks, runs);
      LoadGenerator.Result all = outcome.all();
      return Measurement.of(
          all.operationsPerSecond(),
          all.bytes(),
          (double) all.latency().count(),
          before,
          after,
          all.latency(),
          outcome.leastShare());
    }
  }
}
