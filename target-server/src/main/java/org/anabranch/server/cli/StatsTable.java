// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.anabranch.block.count.LatencyDistribution;
import org.anabranch.server.control.verbs.LatencyEntry;
import org.anabranch.server.control.verbs.StatsVerb;
import org.anabranch.server.control.verbs.VolumeStats;
import org.anabranch.server.terminal.Sizes;
import org.anabranch.server.terminal.TextTable;
import org.jspecify.annotations.Nullable;

/** What happened between two answers of {@code stats}, a line for each volume. */
final class StatsTable {
  private static final double SECOND = 1e9;

  private StatsTable() {}

  /**
   * The table of an interval.
   *
   * @param before null: from the start of the server on
   */
  static TextTable of(StatsVerb.@Nullable Result before, StatsVerb.Result now) {
    Map<String, VolumeStats> earlier = new HashMap<>();
    if (before != null) {
      before.volumes().forEach(volume -> earlier.put(volume.name(), volume));
    }
    double seconds = Math.max(1, now.nanos() - (before == null ? 0 : before.nanos())) / SECOND;
    TextTable table =
        new TextTable(
            "VOLUME", "R/S", "READ/S", "W/S", "WRITE/S", "R P50", "R P99", "W P50", "W P99",
            "QUEUE", "COW/S", "MERGE/S");
    for (VolumeStats volume : now.volumes()) {
      row(table, earlier.get(volume.name()), volume, seconds);
    }
    return table;
  }

  private static void row(
      TextTable table, @Nullable VolumeStats before, VolumeStats now, double seconds) {
    LatencyDistribution reads =
        between(before == null ? null : before.readLatency(), now.readLatency());
    LatencyDistribution writes =
        between(before == null ? null : before.writeLatency(), now.writeLatency());
    table.row(
        now.name(),
        rate(since(before == null ? 0 : before.reads(), now.reads()) / seconds),
        bytes(since(before == null ? 0 : before.readBytes(), now.readBytes()) / seconds),
        rate(since(before == null ? 0 : before.writes(), now.writes()) / seconds),
        bytes(since(before == null ? 0 : before.writtenBytes(), now.writtenBytes()) / seconds),
        latency(reads, 0.5),
        latency(reads, 0.99),
        latency(writes, 0.5),
        latency(writes, 0.99),
        now.queueDepth(),
        rate(since(before == null ? 0 : before.cowCopies(), now.cowCopies()) / seconds),
        now.mergeBytesPerSecond() == 0 ? "-" : bytes((double) now.mergeBytesPerSecond()));
  }

  /** What was counted since; all of it where something else of the same name counts now. */
  private static double since(long before, long now) {
    return now < before ? now : now - before;
  }

  private static LatencyDistribution between(@Nullable LatencyEntry before, LatencyEntry now) {
    LatencyDistribution later = now.distribution();
    return before == null || before.count() > now.count()
        ? later
        : later.since(before.distribution());
  }

  private static String rate(double perSecond) {
    return perSecond == 0
        ? "-"
        : String.format(Locale.ROOT, perSecond < 10 ? "%.1f" : "%.0f", perSecond);
  }

  private static String bytes(double perSecond) {
    return perSecond == 0 ? "-" : Sizes.bytes(perSecond);
  }

  private static String latency(LatencyDistribution of, double part) {
    long nanos = of.quantileNanos(part);
    if (nanos == 0) {
      return "-";
    }
    double micros = nanos / 1e3;
    if (micros < 1000) {
      return String.format(Locale.ROOT, "%.0f us", micros);
    }
    double millis = micros / 1000;
    return millis < 1000
        ? String.format(Locale.ROOT, millis < 10 ? "%.1f ms" : "%.0f ms", millis)
        : String.format(Locale.ROOT, "%.1f s", millis / 1000);
  }
}
