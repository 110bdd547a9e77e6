// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.workload.LoadGenerator;

/**
 * How fast the server is in each second after its ready line. Each run starts a server and puts
 * load on it at once. The generator was used on another server before, so it is warm.
 *
 * <p>The environment variables {@code OTHER}, a checkout, and {@code OTHER_OPTIONS}, options for
 * the JVM, describe a second server that takes turns with this one.
 */
final class WarmUpBenchmark {
  /** The last seconds, of which the mean counts as the rate of a warm server. */
  private static final int WARM = 5;

  private static final long PATIENCE_SECONDS = 60;
  private static final int[] SHOWN = {1, 2, 3, 4, 6, 8};

  private final Workplace workplace;
  private final Report report;

  /** The commands that start a server, by name. */
  private final Map<String, List<String>> sides = new LinkedHashMap<>();

  /** How long each server has load. */
  private final int seconds = 9 + WARM;

  WarmUpBenchmark(Workplace workplace, Report report) {
    this.workplace = workplace;
    this.report = report;
    sides.put("this", List.of(workplace.launcher().toString()));
    String other = System.getenv("OTHER");
    String options = System.getenv("OTHER_OPTIONS");
    if (other != null || options != null) {
      Path launcher = other == null ? workplace.launcher() : Path.of(other, "anabranch");
      String variable = "ANABRANCH_JAVA_OPTS=" + (options == null ? "" : options);
      sides.put("the other", List.of("env", variable, launcher.toString()));
    }
  }

  void run() throws IOException, InterruptedException {
    report.section(
        "Seconds after the ready line, of a warm server's rate",
        "",
        "ready, ms",
        "1",
        "2",
        "3",
        "4",
        "6",
        "8",
        "warm, a second");
    Path file = workplace.files("warm-up", 1, workplace.size(1L << 30), 0).getFirst();
    compare(file, "4 KiB reads, QD 32", 4 << 10, 32, 100);
    compare(file, "4 KiB writes, QD 32", 4 << 10, 32, 0);
    compare(file, "256 KiB reads, QD 8", 256 << 10, 8, 100);
    compare(file, "256 KiB writes, QD 8", 256 << 10, 8, 0);
  }

  private void compare(Path file, String name, int bytes, int queueDepth, int readPercent)
      throws IOException, InterruptedException {
    LoadGenerator.Load second =
        new LoadGenerator.Load(
            bytes,
            queueDepth,
            readPercent,
            true,
            Long.MAX_VALUE,
            Duration.ZERO,
            Duration.ofSeconds(1),
            1);
    Map<String, List<double[]>> runs = new LinkedHashMap<>();
    List<String> warmer = List.of(workplace.launcher().toString());
    try (Initiator initiator = new Initiator()) {
      start(initiator, file, warmer, second); // warms the generator
      for (int round = 0; round < workplace.rounds(); round++) {
        for (Map.Entry<String, List<String>> side : sides.entrySet()) {
          runs.computeIfAbsent(side.getKey(), _ -> new ArrayList<>())
              .add(start(initiator, file, side.getValue(), second));
        }
      }
    }
    runs.forEach((side, figures) -> row(name + ", " + side, figures));
  }

  /** Starts a server; returns the milliseconds to its ready line, and the rate in each second. */
  private double[] start(
      Initiator initiator, Path file, List<String> command, LoadGenerator.Load second)
      throws IOException, InterruptedException {
    double[] figures = new double[1 + seconds];
    String volume = "  volumes { disk { path = \"%s\" } }%n".formatted(file);
    try (Anabranch server =
        Anabranch.start("warm-up", command, workplace.folder("warm-up"), volume, List.of("disk"))) {
      figures[0] = server.readySeconds() * 1000;
      Session session =
          Initiator.await(
              initiator.login(server.portal(), SessionOptions.normal(server.target())),
              PATIENCE_SECONDS);
      Disk disk = Initiator.await(Disk.open(session, server.firstLun()), PATIENCE_SECONDS);
      for (int i = 1; i <= seconds; i++) {
        figures[i] =
            Initiator.await(LoadGenerator.run(disk, second.withSeed(i)), PATIENCE_SECONDS)
                .operationsPerSecond();
      }
      Initiator.await(session.logout(), PATIENCE_SECONDS);
    }
    return figures;
  }

  private void row(String name, List<double[]> runs) {
    List<String> cells = new ArrayList<>();
    cells.add(name);
    cells.add(Report.number("%.0f", median(runs.stream().mapToDouble(run -> run[0]).toArray())));
    for (int at : SHOWN) {
      double[] parts = runs.stream().mapToDouble(run -> run[at] / warm(run)).toArray();
      cells.add(Report.number("%.2f", median(parts)));
    }
    double[] warm = runs.stream().mapToDouble(this::warm).toArray();
    cells.add(Report.number("%,.0f", median(warm)));
    report.row(cells.toArray(String[]::new));
  }

  private double warm(double[] run) {
    return Arrays.stream(run, run.length - WARM, run.length).average().orElseThrow();
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }
}
