// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The first writes after a snapshot, without and with the write cache, beside the same writes
 * without a snapshot. Each write goes to a chunk that nobody has written since the snapshot; when
 * all have been written, a new snapshot is taken, and the time for that is not counted. So a run
 * takes longer than the ring lasts, and its rate is in the end that of the copies. The last side
 * shows what the cache costs where it has nothing to do.
 *
 * <p>{@code -Danabranch.bench.gib} is the size of a volume, 2 by default.
 */
final class FirstWritesBenchmark {
  private static final int CHUNK = 8 << 10;

  /** Which snapshots there are, and what is written. */
  enum Over {
    ONE_SNAPSHOT("First writes after a snapshot"),
    THREE_SNAPSHOTS("First writes with three snapshots of different ages"),
    THE_SNAPSHOT("First writes to a writable snapshot");

    private final String title;

    Over(String title) {
      this.title = title;
    }
  }

  private final Workplace workplace;
  private final Report report;
  private final Over over;

  /** Size of each volume. */
  private final long bytes;

  FirstWritesBenchmark(Workplace workplace, Report report, Over over) {
    this.workplace = workplace;
    this.report = report;
    this.over = over;
    this.bytes = workplace.size(Long.getLong("anabranch.bench.gib", 2) << 30);
  }

  void run() throws IOException, InterruptedException {
    List<Path> files = workplace.files("first", 2, bytes, bytes);
    try (Anabranch off = start("off", files.get(0), 0);
        Anabranch on = start("on", files.get(1), 64)) {
      report.section(over.title, Report.columns());
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
        name,
        workplace.launcher(),
        workplace.folder("first-" + name),
        parts,
        List.of("origin", "origin@first"));
  }

  private void compare(Anabranch off, Anabranch on, int writeBytes, int queueDepth, int flushEvery)
      throws IOException, InterruptedException {
    int count =
        Integer.highestOneBit(workplace.count((int) (bytes / Math.max(2 * CHUNK, writeBytes))));
    ScatteredWriteLoad plain =
        new ScatteredWriteLoad(
            0, count, bytes / count, writeBytes, queueDepth, flushEvery, workplace.measured());
    ScatteredWriteLoad first =
        new ScatteredWriteLoad(
            over == Over.THE_SNAPSHOT ? 1 : 0,
            count,
            bytes / count,
            writeBytes,
            queueDepth,
            flushEvery,
            workplace.measured());
    String load = Files.readString(Path.of("/proc/loadavg")).split(" ", 2)[0];
    List<String> sides = List.of("no snapshot", "cache off", "cache on", "no snapshot, cache on");
    InterleavedRounds turns =
        InterleavedRounds.run(
            workplace.rounds(),
            List.of(
                () -> plain(off, plain),
                () -> first(off, first),
                () -> first(on, first),
                () -> plain(on, plain)));
    String flushes = flushEvery == 0 ? "" : ", a flush after every " + flushEvery;
    report.compared(
        "%d KiB, QD %d%s (load %s)".formatted(writeBytes >> 10, queueDepth, flushes, load),
        sides,
        turns,
        sides.subList(0, 2));
  }

  /** What was written before is on the disk, so that no run pays for another one. */
  private static void settle() throws IOException, InterruptedException {
    new ProcessBuilder("sync").inheritIO().start().waitFor();
  }

  private static Measurement plain(Anabranch server, ScatteredWriteLoad writes)
      throws IOException, InterruptedException {
    settle();
    return writes.sustained(server, () -> {});
  }

  private Measurement first(Anabranch server, ScatteredWriteLoad writes)
      throws IOException, InterruptedException {
    take(server, writes);
    settle();
    try {
      return writes.sustained(
          server,
          () -> {
            remove(server);
            take(server, writes);
          });
    } finally {
      remove(server);
    }
  }

  /** Of three snapshots, each older one has the copies of some places more. */
  private void take(Anabranch server, ScatteredWriteLoad writes)
      throws IOException, InterruptedException {
    long store = bytes + bytes / 8;
    if (over == Over.THREE_SNAPSHOTS) {
      for (String older : List.of("older", "old")) {
        server.createSnapshot("origin@" + older, CHUNK, store);
        writes.begin(server, writes.count() / 8);
      }
    }
    server.createSnapshot("origin@first", CHUNK, store);
  }

  private void remove(Anabranch server) throws IOException {
    server.removeSnapshot("origin@first");
    if (over == Over.THREE_SNAPSHOTS) {
      server.removeSnapshot("origin@old");
      server.removeSnapshot("origin@older");
    }
  }
}
