// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import org.anabranch.initiator.workload.LatencyHistogram;

/** Prints results as Markdown tables, each line as soon as it is known. */
final class Report {
  private final PrintStream out;

  Report(PrintStream out) {
    this.out = out;
  }

  void section(String title, String... columns) {
    out.println();
    out.println("## " + title);
    out.println();
    row(columns);
    row(Collections.nCopies(columns.length, "---").toArray(String[]::new));
  }

  /** Prints a line of text, which ends a table. */
  void note(String text) {
    out.println();
    out.println(text);
    out.flush();
  }

  void row(String... cells) {
    out.println("| " + String.join(" | ", cells) + " |");
    out.flush();
  }

  /** The columns of {@link #compared}. */
  static String[] columns() {
    return new String[] {
      "load",
      "server",
      "IOPS",
      "MB/s",
      "ratio",
      "CPU s / 10^6",
      "CPU s / GB",
      "generator's / 10^6",
      "p50 us",
      "p99 us",
      "p99.9 us",
      "least share",
      "peak MiB"
    };
  }

  /**
   * Prints a line for each side, with the ratio of its rate to that of each baseline.
   *
   * @param names the sides
   * @param baselines some of those names
   */
  void compared(String load, List<String> names, InterleavedRounds turns, List<String> baselines) {
    for (int side = 0; side < turns.sides(); side++) {
      IOException failure = turns.failure(side);
      if (failure != null) {
        row(load, names.get(side), "failed: " + failure.getMessage());
        continue;
      }
      Measurement m = turns.median(side);
      LatencyHistogram latency = m.latency();
      row(
          load,
          names.get(side),
          number("%.0f", m.rate()),
          number("%.0f", m.megabytes()),
          ratios(side, names, turns, baselines),
          number("%.1f", m.cpu()),
          number("%.2f", m.cpuPerGigabyte()),
          number("%.1f", m.generatorCpu()),
          latency == null ? "" : number("%.0f", latency.percentile(50) / 1e3),
          latency == null ? "" : number("%.0f", latency.percentile(99) / 1e3),
          latency == null ? "" : number("%.0f", latency.percentile(99.9) / 1e3),
          number("%.2f", m.leastShare()),
          number("%.0f", m.peakBytes() / 1048576.0));
    }
  }

  private static String ratios(
      int side, List<String> names, InterleavedRounds turns, List<String> baselines) {
    StringJoiner ratios = new StringJoiner(", ");
    for (String baseline : baselines) {
      int other = names.indexOf(baseline);
      if (other != side && turns.failure(other) == null) {
        ratios.add(number("%.2f", turns.ratio(side, other)) + " of " + baseline);
      }
    }
    return ratios.toString();
  }

  static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
