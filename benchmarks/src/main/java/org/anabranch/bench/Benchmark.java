// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.anabranch.bench.FirstWritesBenchmark.Over;

/**
 * The benchmark of the whole server, run by build/bench.
 *
 * <pre>
 *   Benchmark ROOT FOLDER ROUNDS SECONDS peers|own|first-writes|first-writes-three|first-writes-through|start|warm-up|scale|rbd ...
 * </pre>
 *
 * Prints tables to standard output, and writes the results of {@code peers} and {@code scale} as a
 * picture to ROOT/target/benchmark.png. Creates files in FOLDER and deletes them at the end.
 */
public final class Benchmark {
  private Benchmark() {}

  /** Runs the program; see the class. */
  public static void main(String[] args) throws IOException, InterruptedException {
    run(System.out, args);
  }

  /**
   * The same with another output. SECONDS 0 rehearses {@code own} and {@code rbd} on a small scale.
   */
  public static void run(PrintStream out, String... args) throws IOException, InterruptedException {
    Path root = Path.of(args[0]).toAbsolutePath().normalize();
    Path folder = Path.of(args[1]).toAbsolutePath().normalize().resolve("anabranch-benchmark");
    Workplace workplace =
        new Workplace(root, folder, Integer.parseInt(args[2]), Integer.parseInt(args[3]));
    Report report = new Report(out);
    Map<String, Double> ratios = Map.of();
    List<Curves> curves = List.of();
    for (String what : List.of(args).subList(4, args.length)) {
      try {
        switch (what) {
          case "peers" -> ratios = new PeerBenchmark(workplace, report).run();
          case "own" -> new OwnBenchmark(workplace, report).run();
          case "first-writes" -> first(workplace, report, Over.ONE_SNAPSHOT);
          case "first-writes-three" -> first(workplace, report, Over.THREE_SNAPSHOTS);
          case "first-writes-through" -> first(workplace, report, Over.THE_SNAPSHOT);
          case "start" -> new StartBenchmark(workplace, report).run();
          case "warm-up" -> new WarmUpBenchmark(workplace, report).run();
          case "scale" -> curves = new ScaleBenchmark(workplace, report).run();
          case "rbd" -> new RbdBenchmark(workplace, report).run();
          default -> throw new IllegalArgumentException(what);
        }
      } finally {
        workplace.clear();
      }
    }
    if (!ratios.isEmpty() || !curves.isEmpty()) {
      Path picture = root.resolve("target/benchmark.png");
      Plot.write(picture, ratios, curves);
      out.println("\n" + picture);
    }
  }

  private static void first(Workplace workplace, Report report, Over over)
      throws IOException, InterruptedException {
    new FirstWritesBenchmark(workplace, report, over).run();
  }
}
