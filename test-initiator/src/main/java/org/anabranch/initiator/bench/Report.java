// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.anabranch.initiator.workload.LatencyHistogram;

/** Prints what was measured as Markdown tables, a line as soon as it is known. */
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
      "p50 us",
      "p99 us",
      "p99.9 us",
      "least share",
      "peak MiB"
    };
  }

  /** A line for each side; the ratio is the first side's rate to this one's. */
  void compared(String load, List<String> names, Turns turns) {
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
          side == 0 ? "" : number("%.2f", turns.ratio(side)),
          number("%.1f", m.cpu()),
          number("%.2f", m.cpuPerGigabyte()),
          latency == null ? "" : number("%.0f", latency.percentile(50) / 1e3),
          latency == null ? "" : number("%.0f", latency.percentile(99) / 1e3),
          latency == null ? "" : number("%.0f", latency.percentile(99.9) / 1e3),
          number("%.2f", m.leastShare()),
          number("%.0f", m.peakBytes() / 1048576.0));
    }
  }

  static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
