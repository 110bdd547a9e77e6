// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.workload.LatencyHistogram;
import org.anabranch.initiator.workload.LoadGenerator;

/** Our server against itself: what snapshots and merges cost. */
final class OwnBenchmark {
  private static final long BYTES = 2L << 30;
  private static final int THROTTLE = 50_000_000;
  private static final Pattern MERGE_STATUS = Pattern.compile("snapshot-merge (\\d+)/");
  private static final int LINEAR = 0;
  private static final int ORIGIN = 1;
  private static final int SNAPSHOT = 2;

  private final Workplace workplace;
  private final Report report;

  OwnBenchmark(Workplace workplace, Report report) {
    this.workplace = workplace;
    this.report = report;
  }

  private Generator generator(int lun, int bytes, int queueDepth, int readPercent, boolean random) {
    LoadGenerator.Load load =
        new LoadGenerator.Load(
            bytes,
            queueDepth,
            readPercent,
            random,
            BYTES,
            Duration.ofSeconds(1),
            Duration.ofSeconds(workplace.seconds()),
            1);
    return new OwnGenerator(new SessionLoad(1, 1, false, load), lun);
  }

  void run() throws IOException, InterruptedException {
    List<Path> files = workplace.files("own", 2, BYTES, BYTES);
    String parts =
        """
          volumes { origin { path = "%s" } }
          devices { linear = "0 %d linear %s 0" }
        """
            .formatted(files.get(1), BYTES / 512, files.get(0));
    try (Anabranch server =
        Anabranch.start(
            "anabranch",
            workplace.launcher(),
            workplace.folder("own"),
            parts,
            List.of("linear", "origin", "origin@before"))) {
      server.control("snapshot", "create", "origin@before", "--size", "2200M");
      report.section("Our server against itself", Report.columns());
      compare(server, "4 KiB random reads, QD 32, nothing copied", 100);
      copyAll(server);
      compare(server, "4 KiB random reads, QD 32, all copied", 100);
      compare(server, "4 KiB random writes, QD 32, all copied", 0);
      merging(server);
    }
  }

  private void compare(ServerProcess server, String name, int readPercent)
      throws InterruptedException {
    Generator origin = generator(ORIGIN, 4096, 32, readPercent, true);
    Generator snapshot = generator(SNAPSHOT, 4096, 32, readPercent, true);
    Generator linear = generator(LINEAR, 4096, 32, readPercent, true);
    Turns turns =
        Turns.run(
            workplace.rounds(),
            List.of(
                () -> origin.run(server), () -> snapshot.run(server), () -> linear.run(server)));
    report.compared(name, List.of("origin", "snapshot", "linear"), turns);
  }

  /** Writes every chunk of the origin once. */
  private void copyAll(ServerProcess server) throws IOException, InterruptedException {
    try (Initiator initiator = new Initiator()) {
      Session session =
          Initiator.await(
              initiator.login(server.portal(), SessionOptions.normal(server.target())), 60);
      Disk disk = Initiator.await(Disk.open(session, ORIGIN), 60);
      ByteBuffer piece = ByteBuffer.allocateDirect(1 << 20);
      for (long at = 0; at < BYTES; at += piece.capacity()) {
        Initiator.await(disk.write(at / disk.blockSize(), piece.clear()), 60);
      }
      Initiator.await(session.logout(), 60);
    }
  }

  private void merging(Anabranch server) throws IOException, InterruptedException {
    Generator load = generator(ORIGIN, 4096, 32, 70, true);
    report.section(
        "4 KiB, 70 % reads, QD 32, beside a merge of the same volume",
        "", "IOPS", "p99 us", "merged MB/s");
    row("alone", load.run(server), 0);
    server.control("snapshot", "merge", "--now", "origin@before");
    server.control("dm", "message", "origin", "0", "throttle", Integer.toString(THROTTLE));
    beside("merge throttled to " + THROTTLE / 1_000_000 + " MB/s", server, load);
    server.control("dm", "message", "origin", "0", "throttle", "0");
    beside("merge at full speed", server, load);
    server.control("dm", "message", "origin", "0", "pause");
    row("merge paused", load.run(server), 0);
    server.control("dm", "message", "origin", "0", "resume");
  }

  private void beside(String name, Anabranch server, Generator load)
      throws IOException, InterruptedException {
    long before = allocated(server);
    long begin = System.nanoTime();
    Measurement measured = load.run(server);
    double seconds = (System.nanoTime() - begin) / 1e9;
    long after = allocated(server);
    row(
        after == 0 ? name + " (ended in between)" : name,
        measured,
        (before - after) * 512 / seconds / 1e6);
  }

  private void row(String name, Measurement m, double merged) {
    LatencyHistogram latency = Objects.requireNonNull(m.latency());
    report.row(
        name,
        Report.number("%.0f", m.rate()),
        Report.number("%.0f", latency.percentile(99) / 1e3),
        Report.number("%.0f", merged));
  }

  /** Sectors in the store of the volume that is merged; 0 once it is an origin again. */
  private static long allocated(Anabranch server) throws IOException, InterruptedException {
    Matcher status = MERGE_STATUS.matcher(server.control("dm", "status", "origin"));
    return status.find() ? Long.parseLong(status.group(1)) : 0;
  }
}
