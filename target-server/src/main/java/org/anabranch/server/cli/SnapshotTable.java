// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.anabranch.server.control.RecordJson;
import org.anabranch.server.control.verbs.snapshots.ScheduleEntry;
import org.anabranch.server.control.verbs.snapshots.SnapshotEntry;
import org.anabranch.server.control.verbs.snapshots.SnapshotFacts;
import org.anabranch.server.control.verbs.snapshots.SnapshotListVerb;
import org.anabranch.server.terminal.Sizes;
import org.anabranch.server.terminal.TextTable;
import org.jspecify.annotations.Nullable;

/**
 * The tables of snapshots and of their schedules that {@code snapshot list} and {@code status}
 * print.
 */
public final class SnapshotTable {
  private static final Pattern SECTORS = Pattern.compile("(\\d+)/(\\d+) \\d+");
  private static final int SECTOR = 512;

  private SnapshotTable() {}

  /**
   * What {@code snapshot list} prints.
   *
   * @param volume whose snapshots were asked for; null: all volumes
   * @param columns that a line has room for
   */
  static String text(SnapshotListVerb.Result result, @Nullable String volume, int columns) {
    if (!result.snapshots().isEmpty()) {
      return of(result.snapshots()).text(columns);
    }
    return volume == null
        ? "there are no snapshots; to take one: anabranch snapshot create VOLUME@NAME\n"
        : "volume "
            + volume
            + " has no snapshots; to take one: anabranch snapshot create "
            + volume
            + "@NAME\n";
  }

  static TextTable of(List<SnapshotEntry> snapshots) {
    boolean described = snapshots.stream().anyMatch(each -> each.facts().description() != null);
    boolean scheduled = snapshots.stream().anyMatch(each -> each.schedule() != null);
    List<String> columns = new ArrayList<>(List.of("SNAPSHOT", "TAKEN", "PHASE", "STORE"));
    if (scheduled) {
      columns.add("SCHEDULE");
    }
    if (described) {
      columns.add("DESCRIPTION");
    }
    TextTable table = new TextTable(columns.toArray(String[]::new));
    for (SnapshotEntry snapshot : snapshots) {
      List<Object> cells = new ArrayList<>();
      cells.add(snapshot.facts().name());
      cells.add(snapshot.facts().created().truncatedTo(ChronoUnit.SECONDS));
      cells.add(phase(snapshot));
      cells.add(store(snapshot));
      if (scheduled) {
        cells.add(Objects.requireNonNullElse(snapshot.schedule(), ""));
      }
      if (described) {
        cells.add(Objects.requireNonNullElse(snapshot.facts().description(), ""));
      }
      table.row(cells.toArray());
    }
    return table;
  }

  /** What it is: its phase says nothing of one whose contents are lost. */
  private static String phase(SnapshotEntry snapshot) {
    if (snapshot.state() == SnapshotEntry.Health.INVALID) {
      return "INVALID";
    }
    boolean goesBack = snapshot.facts().phase() == SnapshotFacts.Phase.MERGING;
    return (goesBack ? "rolling back" : RecordJson.constant(snapshot.facts().phase()))
        + (Boolean.TRUE.equals(snapshot.kept()) ? ", kept" : "")
        + (snapshot.state() == SnapshotEntry.Health.OVERFLOWED ? ", FULL" : "")
        + (snapshot.suspended() ? ", SUSPENDED" : "")
        + (snapshot.exporting() ? ", exporting" : "");
  }

  private static String store(SnapshotEntry snapshot) {
    if (snapshot.merge() != null) {
      return new MergeText(snapshot.merge()).line();
    }
    if (snapshot.waitsFor() != null) {
      return "waits " + WaitText.line(snapshot.waitsFor(), snapshot.onNextLoginUntil());
    }
    if (snapshot.state() == SnapshotEntry.Health.INVALID) {
      return "its contents are lost";
    }
    return used(snapshot.facts().status());
  }

  /** What device-mapper reports in sectors, in the form that people read. */
  private static String used(String status) {
    if (status.isEmpty()) {
      return "not served";
    }
    Matcher sectors = SECTORS.matcher(status);
    return sectors.matches()
        ? Sizes.bytes(Double.parseDouble(sectors.group(1)) * SECTOR)
            + " of "
            + Sizes.bytes(Double.parseDouble(sectors.group(2)) * SECTOR)
        : status;
  }

  /** The table of schedules that {@code status} and {@code schedule list} print. */
  public static TextTable schedules(List<ScheduleEntry> schedules) {
    TextTable table =
        new TextTable(
            "SCHEDULE", "VOLUMES", "EVERY", "KEEP", "SNAPSHOTS", "NEXT", "LAST", "RESULT");
    for (ScheduleEntry each : schedules) {
      table.row(
          each.name(),
          String.join(" ", each.volumes()),
          time(Duration.ofSeconds(each.everySeconds())),
          each.keep(),
          each.snapshots(),
          each.running() ? "now" : each.paused() ? "paused" : each.next(),
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
