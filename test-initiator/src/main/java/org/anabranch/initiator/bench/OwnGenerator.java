// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.bench;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.workload.LoadGenerator;

/** Our own initiator, on one thread. */
record OwnGenerator(SessionLoad load, int firstLun) implements Generator {
  @Override
  public Measurement run(ServerProcess server) throws IOException, InterruptedException {
    try (Initiator initiator = new Initiator()) {
      List<Disk> disks =
          load.logIn(initiator, server.portal(), server.target(), server.firstLun() + firstLun);
      List<CompletableFuture<LoadGenerator.Result>> runs = load.begin(disks);
      TimeUnit.NANOSECONDS.sleep(load.load().warmup().toNanos());
      double before = server.usage().cpuSeconds();
      TimeUnit.NANOSECONDS.sleep(load.load().measured().toNanos());
      ServerProcess.Usage after = server.usage();
      SessionLoad.Outcome outcome = load.end(disks, runs);
      LoadGenerator.Result all = outcome.all();
      return new Measurement(
          all.operationsPerSecond(),
          all.bytes(),
          (after.cpuSeconds() - before) * 1e6 / all.latency().count(),
          after.peakBytes(),
          all.latency(),
          outcome.leastShare());
    }
  }
}
