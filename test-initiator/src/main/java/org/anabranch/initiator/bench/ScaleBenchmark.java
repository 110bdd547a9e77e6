// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.initiator.workload.LoadGenerator;

/** Cost against size: LUNs, sessions, and merges of volumes that grow while their changes don't. */
final class ScaleBenchmark {
  private static final List<Integer> COUNTS = List.of(1, 4, 16, 64, 256);
  private static final List<Integer> GIBS = List.of(1, 4, 16, 64);
  private static final int IN_FLIGHT = 64;
  private static final long LUN_BYTES = 16 << 20;

  private final Workplace workplace;
  private final Report report;
  private final Map<String, Map<Integer, Double>> curves = new LinkedHashMap<>();

  ScaleBenchmark(Workplace workplace, Report report) {
    this.workplace = workplace;
    this.report = report;
  }

  /** By name of a curve: the rates at each count. */
  Map<String, Map<Integer, Double>> run() throws IOException, InterruptedException {
    int most = COUNTS.getLast();
    List<Path> files = workplace.files("scale", most, LUN_BYTES, LUN_BYTES);
    report.section(
        "4 KiB random reads, " + IN_FLIGHT + " in flight or more, by size", "", "n", "IOPS");
    try (Anabranch server =
        Anabranch.start(workplace.launcher(), workplace.folder("scale"), files)) {
      for (int n : COUNTS) {
        measure("n sessions, a LUN each", server, n, n);
      }
      for (int n : COUNTS) {
        measure("n sessions on one LUN", server, n, 1);
      }
    }
    merges();
    return curves;
  }

  private void measure(String curve, ServerProcess server, int sessions, int luns)
      throws IOException, InterruptedException {
    LoadGenerator.Load load =
        new LoadGenerator.Load(
            4096,
            Math.max(1, IN_FLIGHT / sessions),
            100,
            true,
            LUN_BYTES,
            Duration.ofSeconds(1),
            Duration.ofSeconds(workplace.seconds()),
            1);
    Measurement m = new OwnGenerator(new SessionLoad(sessions, luns, false, load), 0).run(server);
    curves.computeIfAbsent(curve, name -> new LinkedHashMap<>()).put(sessions, m.rate());
    report.row(curve, Integer.toString(sessions), Report.number("%.0f", m.rate()));
  }

  private void merges() throws IOException, InterruptedException {
    report.section(
        "Merging what 2 s of 64 KiB random writes changed, by the volume's size, seconds",
        "GiB",
        "MiB changed",
        "s");
    for (int gib : GIBS) {
      Path folder = workplace.folder("merge" + gib);
      Files.deleteIfExists(folder.resolve("disk.img"));
      String volumes =
          "  volumes { vm { path = \"%s\", size = %d GiB } }%n"
              .formatted(folder.resolve("disk.img"), gib);
      try (Anabranch server =
          Anabranch.start("anabranch", workplace.launcher(), folder, volumes, List.of("vm"))) {
        server.control("snapshot", "create", "vm@before");
        LoadGenerator.Load load =
            new LoadGenerator.Load(
                64 << 10, 8, 0, true, (long) gib << 30, Duration.ZERO, Duration.ofSeconds(2), gib);
        Measurement written = new OwnGenerator(new SessionLoad(1, 1, false, load), 0).run(server);
        long begin = System.nanoTime();
        server.control("snapshot", "merge", "--now", "--wait", "vm@before");
        report.row(
            Integer.toString(gib),
            Report.number("%.0f", written.rate() * 2 * written.bytes() / 1048576.0),
            Report.number("%.2f", (System.nanoTime() - begin) / 1e9));
      }
    }
  }
}
