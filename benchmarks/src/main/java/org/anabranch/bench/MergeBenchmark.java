// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A foreground load during a merge of its own volume: without a merge, with a throttled one, at
 * full speed, and paused. Each run has a new snapshot, of which the whole volume is overwritten.
 */
final class MergeBenchmark {
  private static final int CHUNK = 8 << 10;
  private static final int THROTTLE = 50_000_000;
  private static final List<String> SIDES =
      List.of("alone", "merge throttled to 50 MB/s", "merge at full speed", "merge paused");

  private final Workplace workplace;
  private final Report report;
  private final Anabranch server;
  private final String volume;
  private final long storeBytes;
  private final ScatteredWriteLoad overwriting;
  private final Generator load;

  /** Decimal megabytes per second merged during the load, by round. */
  private final List<Double> throttled = new ArrayList<>();

  private final List<Double> atFullSpeed = new ArrayList<>();

  /**
   * Prepares the benchmark.
   *
   * @param volume has no snapshot
   * @param storeBytes enough for the whole volume
   * @param overwriting overwrites the whole volume
   * @param load the foreground load
   */
  MergeBenchmark(
      Workplace workplace,
      Report report,
      Anabranch server,
      String volume,
      long storeBytes,
      ScatteredWriteLoad overwriting,
      Generator load) {
    this.workplace = workplace;
    this.report = report;
    this.server = server;
    this.volume = volume;
    this.storeBytes = storeBytes;
    this.overwriting = overwriting;
    this.load = load;
  }

  void run(String name) throws InterruptedException {
    report.section("A foreground beside a merge of the same volume", Report.columns());
    InterleavedRounds turns =
        InterleavedRounds.run(
            workplace.rounds(),
            List.of(this::alone, this::throttled, this::atFullSpeed, this::paused));
    report.compared(name, SIDES, turns, List.of(SIDES.getFirst()));
    report.section("Merged meanwhile, MB/s", "", "least", "median", "most");
    merged(SIDES.get(1), throttled);
    merged(SIDES.get(2), atFullSpeed);
  }

  private void merged(String name, List<Double> speeds) {
    if (!speeds.isEmpty()) {
      Collections.sort(speeds);
      report.row(
          name,
          Report.number("%.0f", speeds.getFirst()),
          Report.number("%.0f", speeds.get(speeds.size() / 2)),
          Report.number("%.0f", speeds.getLast()));
    }
  }

  private Measurement alone() throws IOException, InterruptedException {
    return beside(() -> load.run(server));
  }

  private Measurement throttled() throws IOException, InterruptedException {
    return beside(() -> {
      server.merge(volume + "@merged");
      server.message(volume, "throttle", Integer.toString(THROTTLE));
      return timed(throttled);
    });
  }

  private Measurement atFullSpeed() throws IOException, InterruptedException {
    return beside(() -> {
      server.merge(volume + "@merged");
      return timed(atFullSpeed);
    });
  }

  private Measurement paused() throws IOException, InterruptedException {
    return beside(() -> {
      server.merge(volume + "@merged");
      server.message(volume, "pause");
      return load.run(server);
    });
  }

  /** Measures with a snapshot that has copies of the whole volume, then merges the rest. */
  private Measurement beside(InterleavedRounds.Side measured)
      throws IOException, InterruptedException {
    server.createSnapshot(volume + "@merged", CHUNK, storeBytes);
    overwriting.run(server);
    try {
      return measured.run();
    } finally {
      server.finishMerge(volume, "merged");
    }
  }

  /** Measures the merge speed from the end of one batch to the end of another. */
  private Measurement timed(List<Double> speeds) throws IOException, InterruptedException {
    long before = nextBatch();
    long begin = System.nanoTime();
    Measurement measurement = load.run(server);
    long after = nextBatch();
    double seconds = (System.nanoTime() - begin) / 1e9;
    if (after == 0) {
      throw new IOException("the merge ended within the run: " + (int) seconds + " s are too long");
    }
    speeds.add((before - after) * 512 / seconds / 1e6);
    return measurement;
  }

  /** Waits for the end of a batch; returns the remaining sectors. */
  private long nextBatch() throws IOException, InterruptedException {
    long before = server.sectorsToMerge(volume);
    long now = before;
    while (now == before && now > 0) {
      TimeUnit.MILLISECONDS.sleep(5);
      now = server.sectorsToMerge(volume);
    }
    return now;
  }
}
