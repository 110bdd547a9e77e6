// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.anabranch.initiator.workload.LoadGenerator;

/** Compares our server with itself: the cost of snapshots and merges. */
final class OwnBenchmark {
  private static final int DEFAULT_CHUNK = 8 << 10;
  private static final int LINEAR = 0;
  private static final int ORIGIN = 1;
  private static final int SNAPSHOT = 2;

  /** Duration of a foreground load during a merge, which must not end earlier. */
  private static final Duration BESIDE_MERGE = Duration.ofSeconds(2);

  private final Workplace workplace;
  private final Report report;

  /** Size of each volume. */
  private final long bytes;

  OwnBenchmark(Workplace workplace, Report report) {
    this.workplace = workplace;
    this.report = report;
    this.bytes = workplace.size(2L << 30);
  }

  /** Random requests of 4 KiB, 32 in flight. */
  private Generator generator(int lun, int readPercent, Duration warmup, Duration measured) {
    LoadGenerator.Load load =
        new LoadGenerator.Load(4096, 32, readPercent, true, bytes, warmup, measured, 1);
    return new OwnGenerator(new SessionLoad(1, 1, false, load), lun);
  }

  private Generator generator(int lun, int readPercent) {
    return generator(lun, readPercent, workplace.warmup(), workplace.measured());
  }

  void run() throws IOException, InterruptedException {
    List<Path> files = workplace.files("own", 2, bytes, bytes);
    String parts =
        """
          volumes { origin { path = "%s" } }
          devices { linear = "0 %d linear %s 0" }
        """
            .formatted(files.get(1), bytes / 512, files.get(0));
    try (Anabranch server =
        Anabranch.start(
            "anabranch",
            workplace.launcher(),
            workplace.folder("own"),
            parts,
            List.of("linear", "origin", "origin@before"))) {
      long store = bytes + bytes / 8;
      server.createSnapshot("origin@before", DEFAULT_CHUNK, store);
      report.section("Our server against itself", Report.columns());
      compare(server, "4 KiB random reads, QD 32, nothing copied", 100);
      ScatteredWriteLoad overwriting =
          new ScatteredWriteLoad(ORIGIN, (int) (bytes >> 20), 1 << 20, 1 << 20, 8);
      overwriting.run(server);
      compare(server, "4 KiB random reads, QD 32, all copied", 100);
      compare(server, "4 KiB random writes, QD 32, all copied", 0);
      server.removeSnapshot("origin@before");
      for (int chunk : List.of(4096, DEFAULT_CHUNK)) {
        firstWrites(server, files.get(0), chunk, 1);
        firstWrites(server, files.get(0), chunk, 32);
      }
      new MergeBenchmark(
              workplace,
              report,
              server,
              "origin",
              store,
              overwriting,
              generator(ORIGIN, 70, BESIDE_MERGE.dividedBy(4), BESIDE_MERGE))
          .run("4 KiB, 70 % reads, QD 32");
    }
  }

  private void compare(ServerProcess server, String name, int readPercent)
      throws InterruptedException {
    Generator origin = generator(ORIGIN, readPercent);
    Generator snapshot = generator(SNAPSHOT, readPercent);
    Generator linear = generator(LINEAR, readPercent);
    InterleavedRounds turns =
        InterleavedRounds.run(
            workplace.rounds(),
            List.of(
                () -> origin.run(server), () -> snapshot.run(server), () -> linear.run(server)));
    report.compared(name, List.of("origin", "snapshot", "linear"), turns, List.of("linear"));
  }

  /** First writes, each on a new snapshot. */
  private void firstWrites(Anabranch server, Path looped, int chunk, int queueDepth)
      throws InterruptedException, IOException {
    int count = workplace.count(1024);
    ScatteredWriteLoad writes =
        new ScatteredWriteLoad(ORIGIN, count, bytes / count, 4096, queueDepth);
    Path store = workplace.folder("loop").resolve("store");
    InterleavedRounds.Side first =
        () -> {
          server.createSnapshot("origin@first", chunk, 100 << 20);
          try {
            return writes.run(server);
          } finally {
            server.removeSnapshot("origin@first");
          }
        };
    InterleavedRounds turns =
        InterleavedRounds.run(
            workplace.rounds(), List.of(first, new FirstWriteLoop(writes, looped, store, chunk)));
    report.compared(
        "first writes of 4 KiB, chunks of %d KiB, QD %d".formatted(chunk >> 10, queueDepth),
        List.of("origin", "loop"),
        turns,
        List.of("loop"));
  }
}
