// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The first writes after a snapshot, without and with the write cache, beside the same writes
 * without a snapshot. Each write goes to a chunk that nobody has written since the snapshot. The
 * runs take longer than the ring lasts, so their rate is in the end that of the copies. The last
 * side shows what the cache costs where it has nothing to do.
 */
final class FirstWritesBenchmark {
  private static final int CHUNK = 8 << 10;
  private static final List<String> SIDES =
      List.of("no snapshot", "cache off", "cache on", "no snapshot, cache on");

  private final Workplace workplace;
  private final Report report;

  /** Size of each volume. */
  private final long bytes;

  FirstWritesBenchmark(Workplace workplace, Report report) {
    this.workplace = workplace;
    this.report = report;
    this.bytes = workplace.size(2L << 30);
  }

  void run() throws IOException, InterruptedException {
    List<Path> files = workplace.files("first", 2, bytes, bytes);
    try (Anabranch off = start("off", files.get(0), 0);
        Anabranch on = start("on", files.get(1), 64)) {
      report.section("First writes after a snapshot", Report.columns());
      compare(off, on, 4 << 10, 1, 0);
      compare(off, on, 4 << 10, 32, 0);
      compare(off, on, 4 << 10, 128, 0);
      compare(off, on, 256 << 10, 8, 0);
      compare(off, on, 4 << 10, 1, 1);
      compare(off, on, 4 << 10, 32, 32);
    }
  }

  private Anabranch start(String name, Path file, int mebibytes)
      throws IOException, InterruptedException {
    String parts =
        "  volumes { origin { path = \"%s\" } }%n  write-cache.size = %d MiB%n"
            .formatted(file, mebibytes);
    return Anabranch.start(
        name, workplace.launcher(), workplace.folder("first-" + name), parts, List.of("origin"));
  }

  private void compare(Anabranch off, Anabranch on, int writeBytes, int queueDepth, int flushEvery)
      throws IOException, InterruptedException {
    int count = workplace.count((int) (bytes / Math.max(2 * CHUNK, writeBytes)));
    ScatteredWriteLoad writes =
        new ScatteredWriteLoad(
            0, count, bytes / count, writeBytes, queueDepth, flushEvery, workplace.measured());
    String load = Files.readString(Path.of("/proc/loadavg")).split(" ", 2)[0];
    InterleavedRounds turns =
        InterleavedRounds.run(
            workplace.rounds(),
            List.of(
                () -> plain(off, writes),
                () -> first(off, writes),
                () -> first(on, writes),
                () -> plain(on, writes)));
    String flushes = flushEvery == 0 ? "" : ", a flush after every " + flushEvery;
    report.compared(
        "%d KiB, QD %d%s (load %s)".formatted(writeBytes >> 10, queueDepth, flushes, load),
        SIDES,
        turns,
        SIDES.subList(0, 2));
  }

  /** What was written before is on the disk, so that no run pays for another one. */
  private static Measurement plain(Anabranch server, ScatteredWriteLoad writes)
      throws IOException, InterruptedException {
    new ProcessBuilder("sync").inheritIO().start().waitFor();
    return writes.run(server);
  }

  private Measurement first(Anabranch server, ScatteredWriteLoad writes)
      throws IOException, InterruptedException {
    server.createSnapshot("origin@first", CHUNK, bytes + bytes / 8);
    try {
      return plain(server, writes);
    } finally {
      server.removeSnapshot("origin@first");
    }
  }
}
