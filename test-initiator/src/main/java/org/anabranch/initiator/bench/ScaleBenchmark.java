// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.initiator.workload.LoadGenerator;

/**
 * Cost against size: LUNs, sessions, exceptions of a snapshot, and merges of volumes that grow
 * while their changes don't.
 */
final class ScaleBenchmark {
  private static final List<Integer> COUNTS = List.of(1, 4, 16, 64, 256);
  private static final List<Integer> EXCEPTIONS =
      List.of(1_000, 10_000, 100_000, 1_000_000, 10_000_000);
  private static final List<Integer> GIBS = List.of(1, 4, 16, 64);
  private static final int IN_FLIGHT = 64;
  private static final long LUN_BYTES = 16 << 20;

  private final Workplace workplace;
  private final Report report;
  private final List<Curves> pictures = new ArrayList<>();

  ScaleBenchmark(Workplace workplace, Report report) {
    this.workplace = workplace;
    this.report = report;
  }

  /** What to draw of it. */
  List<Curves> run() throws IOException, InterruptedException {
    many();
    workplace.clear();
    exceptions();
    workplace.clear();
    merges();
    return pictures;
  }

  private void many() throws IOException, InterruptedException {
    int most = COUNTS.getLast();
    List<Path> files = workplace.files("scale", most, LUN_BYTES, LUN_BYTES);
    report.section(
        "4 KiB random reads, " + IN_FLIGHT + " in flight or more, by size", "", "n", "IOPS");
    Curves curves = new Curves("4 KiB random reads, IOPS, by n");
    try (Anabranch server =
        Anabranch.start(workplace.launcher(), workplace.folder("scale"), files)) {
      for (int n : COUNTS) {
        measure(curves, "n sessions, a LUN each", server, n, n);
      }
      for (int n : COUNTS) {
        measure(curves, "n sessions on one LUN", server, n, 1);
      }
    }
    pictures.add(curves);
  }

  private void measure(Curves curves, String curve, ServerProcess server, int sessions, int luns)
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
    curves.add(curve, sessions, m.rate());
    report.row(curve, Integer.toString(sessions), Report.number("%.0f", m.rate()));
  }

  private void exceptions() throws IOException, InterruptedException {
    report.section(
        "4 KiB random reads through a snapshot, QD 32, by its exceptions, half of them copied",
        "exceptions",
        "IOPS",
        "peak MiB");
    Curves curves = new Curves("4 KiB random reads through a snapshot, IOPS, by its exceptions");
    for (int count : EXCEPTIONS) {
      Path folder = workplace.folder("exceptions" + count);
      Path origin = folder.resolve("origin.img");
      Path store = folder.resolve("store.cow");
      try (RandomAccessFile file = new RandomAccessFile(origin.toFile(), "rw")) {
        file.setLength(FullStore.ORIGIN_SECTORS * 512);
      }
      String arguments = FullStore.write(store, count);
      String devices =
          "  devices { snap = \"0 %d snapshot %s %s %s\" }%n"
              .formatted(FullStore.ORIGIN_SECTORS, origin, store, arguments);
      try (Anabranch server =
          Anabranch.start("anabranch", workplace.launcher(), folder, devices, List.of("snap"))) {
        LoadGenerator.Load load =
            new LoadGenerator.Load(
                4096,
                32,
                100,
                true,
                FullStore.ORIGIN_SECTORS * 512,
                Duration.ofSeconds(4), // the loading goes on in it
                Duration.ofSeconds(workplace.seconds()),
                1);
        Measurement m = new OwnGenerator(new SessionLoad(1, 1, false, load), 0).run(server);
        curves.add("one snapshot", count, m.rate());
        report.row(
            Integer.toString(count),
            Report.number("%.0f", m.rate()),
            Report.number("%.0f", m.peakBytes() / 1048576.0));
      }
    }
    pictures.add(curves);
  }

  private void merges() throws IOException, InterruptedException {
    report.section(
        "Merging what 2 s of 64 KiB random writes changed, by the volume's size, seconds",
        "GiB",
        "MiB changed",
        "s");
    Curves curves = new Curves("Seconds to merge what was changed, by the volume's GiB");
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
        double seconds = (System.nanoTime() - begin) / 1e9;
        curves.add("merge", gib, seconds);
        report.row(
            Integer.toString(gib),
            Report.number("%.0f", written.rate() * 2 * written.bytes() / 1048576.0),
            Report.number("%.2f", seconds));
      }
    }
    pictures.add(curves);
  }
}
