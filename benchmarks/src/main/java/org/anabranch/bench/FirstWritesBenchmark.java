// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * The first writes after a snapshot, without and with the write cache, beside writes without a
 * snapshot. There are more writes than the cache holds for one LUN, so its rate is in the end that
 * of the copies.
 */
final class FirstWritesBenchmark {
  private static final int CHUNK = 8 << 10;
  private static final int WRITES = 16_384;

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
    try (Anabranch off = start("off", files.get(0), "");
        Anabranch on = start("on", files.get(1), "  write-cache.size = 64 MiB\n")) {
      report.section("First writes after a snapshot", Report.columns());
      for (int queueDepth : List.of(1, 32)) {
        compare(off, on, queueDepth);
      }
    }
  }

  private Anabranch start(String name, Path file, String keys)
      throws IOException, InterruptedException {
    String parts = "  volumes { origin { path = \"%s\" } }%n".formatted(file) + keys;
    return Anabranch.start(
        name, workplace.launcher(), workplace.folder("first-" + name), parts, List.of("origin"));
  }

  private void compare(Anabranch off, Anabranch on, int queueDepth) throws InterruptedException {
    int count = workplace.count(WRITES);
    ScatteredWriteLoad writes = new ScatteredWriteLoad(0, count, bytes / count, 4096, queueDepth);
    InterleavedRounds turns =
        InterleavedRounds.run(
            workplace.rounds(),
            List.of(() -> writes.run(off), () -> first(off, writes), () -> first(on, writes)));
    report.compared(
        "%d writes of 4 KiB to chunks of %d KiB, QD %d".formatted(count, CHUNK >> 10, queueDepth),
        List.of("no snapshot", "cache off", "cache on"),
        turns,
        List.of("no snapshot", "cache off"));
  }

  private Measurement first(Anabranch server, ScatteredWriteLoad writes)
      throws IOException, InterruptedException {
    server.createSnapshot("origin@first", CHUNK, bytes + bytes / 8);
    try {
      return writes.run(server);
    } finally {
      server.removeSnapshot("origin@first");
    }
  }
}
