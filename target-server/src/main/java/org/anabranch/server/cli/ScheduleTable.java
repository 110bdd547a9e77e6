// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.anabranch.server.control.RecordJson;
import org.anabranch.server.control.verbs.snapshots.ScheduleEntry;
import org.anabranch.server.terminal.TextTable;

/** The table of schedules that {@code status} prints. */
final class ScheduleTable {
  private ScheduleTable() {}

  static TextTable of(List<ScheduleEntry> schedules) {
    TextTable table =
        new TextTable("SCHEDULE", "VOLUMES", "EVERY", "KEEP", "THERE", "NEXT", "LAST", "RESULT");
    for (ScheduleEntry each : schedules) {
      table.row(
          each.name(),
          String.join(" ", each.volumes()),
          time(Duration.ofSeconds(each.everySeconds())),
          each.keep(),
          each.snapshots(),
          each.running() ? "now" : each.next(),
          each.last() == null ? "" : each.last(),
          each.lastResult() == null
              ? ""
              : RecordJson.constant(Objects.requireNonNull(each.lastResult())));
    }
    return table;
  }

  /** In the largest unit that divides it. */
  static String time(Duration time) {
    long seconds = time.toSeconds();
    return seconds % 86_400 == 0
        ? seconds / 86_400 + " d"
        : seconds % 3600 == 0
            ? seconds / 3600 + " h"
            : seconds % 60 == 0 ? seconds / 60 + " min" : seconds + " s";
  }
}
