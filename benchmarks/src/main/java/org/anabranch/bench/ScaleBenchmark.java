// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.anabranch.initiator.workload.LoadGenerator;

/**
 * Cost by size: LUNs, sessions, exceptions of a snapshot, and merges of growing volumes with the
 * same number of changes.
 */
final class ScaleBenchmark {
  private static final List<Integer> COUNTS = List.of(1, 4, 16, 64, 256);
  private static final List<Integer> EXCEPTIONS =
      List.of(1_000, 10_000, 100_000, 1_000_000, 4_000_000, 10_000_000);
  private static final List<Integer> GIBS = List.of(1, 4, 16, 64);
  private static final int IN_FLIGHT = 64;
  private static final long LUN_BYTES = 16 << 20;

  /** Chunks read through a snapshot: few enough to stay in the page cache. */
  private static final int PLACES = 1 << 14;

  /** Chunks that are merged in volumes of any size, and their size: 256 MiB. */
  private static final int CHANGES = 1 << 12;

  private static final int CHANGE = 64 << 10;

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
        "4 KiB random reads through a snapshot, QD 32, by its exceptions, of which none is beside"
            + " another; half of what is read is copied",
        "exceptions",
        "s to the ready line",
        "IOPS",
        "peak MiB");
    Curves curves = new Curves("4 KiB random reads through a snapshot, IOPS, by its exceptions");
    for (int count : EXCEPTIONS) {
      Path folder = workplace.folder("exceptions" + count);
      Path origin = folder.resolve("origin.img");
      Path store = folder.resolve("store.cow");
      long bytes = FullStore.originBytes(count);
      try (RandomAccessFile file = new RandomAccessFile(origin.toFile(), "rw")) {
        file.setLength(bytes);
      }
      String arguments = FullStore.write(store, count);
      String devices =
          "  devices { snap = \"0 %d snapshot %s %s %s\" }%n"
              .formatted(bytes / 512, origin, store, arguments);
      // An odd number of chunks apart: every other place has an exception.
      long apart = Math.max(1, bytes / FullStore.CHUNK / PLACES) | 1;
      try (Anabranch server =
          Anabranch.start("anabranch", workplace.launcher(), folder, devices, List.of("snap"))) {
        LoadGenerator.Load load =
            new LoadGenerator.Load(
                    FullStore.CHUNK,
                    32,
                    100,
                    true,
                    bytes,
                    Duration.ofSeconds(4), // holes become pages of the cache
                    Duration.ofSeconds(workplace.seconds()),
                    1)
                .withPlaces(apart * FullStore.CHUNK);
        Measurement m = new OwnGenerator(new SessionLoad(1, 1, false, load), 0).run(server);
        curves.add("one snapshot", count, m.rate());
        report.row(
            Integer.toString(count),
            Report.number("%.2f", server.readySeconds()),
            Report.number("%.0f", m.rate()),
            Report.number("%.0f", m.peakBytes() / 1048576.0));
      }
      Files.delete(store);
      Files.delete(origin);
    }
    pictures.add(curves);
  }

  private void merges() throws IOException, InterruptedException {
    report.section(
        "Merging %,d scattered changes of %d KiB, by the volume's size"
            .formatted(CHANGES, CHANGE >> 10),
        "GiB",
        "s");
    Curves curves = new Curves("Seconds to merge the same changes, by the volume's GiB");
    for (int gib : GIBS) {
      Path folder = workplace.folder("merge" + gib);
      Files.deleteIfExists(folder.resolve("disk.img"));
      String volumes =
          "  volumes { vm { path = \"%s\", size = %d GiB } }%n"
              .formatted(folder.resolve("disk.img"), gib);
      try (Anabranch server =
          Anabranch.start("anabranch", workplace.launcher(), folder, volumes, List.of("vm"))) {
        server.createSnapshot("vm@before", 8 << 10, 2L * CHANGES * CHANGE);
        new ScatteredWriteLoad(0, CHANGES, ((long) gib << 30) / CHANGES, CHANGE, 32).run(server);
        long begin = System.nanoTime();
        server.merge("vm@before");
        while (server.sectorsToMerge("vm") > 0) {
          TimeUnit.MILLISECONDS.sleep(5);
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        curves.add("merge", gib, seconds);
        report.row(Integer.toString(gib), Report.number("%.2f", seconds));
      }
    }
    pictures.add(curves);
  }
}
