// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.schedule;

import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.anabranch.config.schedule.ScheduleConfig;
import org.anabranch.server.base.Hooks;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.schedule.ScheduleHistory.LastRun;
import org.anabranch.server.schedule.ScheduleHistory.Result;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.snapshots.Wanted;
import org.anabranch.server.state.ScheduledBy;
import org.anabranch.server.state.SnapshotState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of a schedule: takes snapshots of its volumes at one instant, and removes those of its
 * snapshots that are too many. On a thread that may wait.
 *
 * <dl>
 *   <dt>What if one of the volumes cannot have a snapshot, since it is not served, or suspended?
 *   <dd>The others have theirs, at one instant; the run reports that one.
 *   <dt>Which snapshots are removed?
 *   <dd>Of each volume, those that this schedule has made, but for the newest ones by the order in
 *       which they were made, whatever the clock says. A snapshot that is in use, is exported, is
 *       to be merged, or was renamed stays.
 *   <dt>What if it is not over when it is due again?
 *   <dd>It runs once more, when it is over.
 * </dl>
 */
final class ScheduleRun {
  private static final Logger LOG = LoggerFactory.getLogger(ScheduleRun.class);
  private static final int MAX_TEXT = 1000;

  private static final DateTimeFormatter MINUTES =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmm'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter SECONDS =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  private final ScheduleConfig schedule;
  private final ScheduledBy mark;
  private final Snapshots snapshots;
  private final InstantSource clock;
  private final List<String> troubles = new ArrayList<>();

  /**
   * @param mark what its snapshots are marked with
   */
  ScheduleRun(ScheduleConfig schedule, ScheduledBy mark, Snapshots snapshots, InstantSource clock) {
    this.schedule = schedule;
    this.mark = mark;
    this.snapshots = snapshots;
    this.clock = clock;
  }

  /** Does it; how it ended. */
  LastRun run() {
    int taken = 0;
    try {
      taken = take();
    } catch (RefusedException e) {
      troubles.add(String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      LOG.error("schedule {}: unexpected failure", schedule.name(), e);
      troubles.add("internal error, see the server's log: " + e);
    }
    Result result =
        taken == 0
            ? Result.FAILED
            : taken < schedule.volumes().size() ? Result.PARTLY : Result.DONE;
    for (String volume : schedule.volumes()) {
      expire(volume);
    }
    String text = String.join("; ", troubles);
    LastRun over =
        new LastRun(
            mark.due(),
            clock.instant(),
            result,
            text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT) + "...");
    if (result != Result.DONE) {
      LOG.error(
          "schedule {}: {}: {}; it is tried again when it is due next",
          schedule.name(),
          result == Result.FAILED ? "no snapshot was taken" : "not all snapshots were taken",
          text);
    }
    return over;
  }

  /** Takes the snapshots that can be taken; how many. */
  private int take() throws RefusedException {
    String name = name();
    List<Wanted> wanted = new ArrayList<>();
    for (String volume : schedule.volumes()) {
      wanted.add(
          new Wanted(
              volume,
              name,
              schedule.chunkSectors(),
              schedule.storeBytes(),
              schedule.readOnly(),
              "",
              mark));
    }
    for (Wanted each : List.copyOf(wanted)) {
      String refusal = snapshots.refusal(each);
      if (refusal != null) {
        troubles.add(refusal);
        wanted.remove(each);
      }
    }
    if (wanted.isEmpty()) {
      return 0;
    }
    List<SnapshotState> taken = snapshots.create(wanted, new HookFailures());
    LOG.info(
        "schedule {}: {} taken",
        schedule.name(),
        taken.stream().map(SnapshotState::device).collect(Collectors.joining(", ")));
    return taken.size();
  }

  /** A hook that failed is a trouble, also where the snapshots were taken. */
  private final class HookFailures implements Hooks.Listener {
    @Override
    public void runs(String what) {}

    @Override
    public void failed(String what) {
      troubles.add(what);
    }
  }

  /**
   * A name by the time at which it is due, which none of the volumes has a snapshot of: a clock
   * that went back has been here before.
   */
  private String name() {
    Set<String> there =
        snapshots.list(null).stream()
            .filter(each -> schedule.volumes().contains(each.volume()))
            .map(SnapshotState::name)
            .collect(Collectors.toSet());
    boolean whole =
        schedule.every().toSeconds() % 60 == 0 && schedule.offset().toSeconds() % 60 == 0;
    String base = schedule.name() + "-" + (whole ? MINUTES : SECONDS).format(mark.due());
    String name = base;
    for (int i = 2; there.contains(name); i++) {
      name = base + "-" + i;
    }
    return name;
  }

  private void expire(String volume) {
    List<SnapshotState> mine =
        snapshots.list(volume).stream()
            .filter(each ->
                each.scheduled() != null && each.scheduled().schedule().equals(schedule.name()))
            .sorted(Comparator.comparingLong(ScheduleRun::number).reversed())
            .toList();
    for (SnapshotState old : mine.stream().skip(schedule.keep()).toList()) {
      try {
        snapshots.expire(old);
        LOG.info("schedule {}: {} was too many, and is removed", schedule.name(), old.device());
      } catch (RefusedException e) {
        LOG.warn("schedule {}: {} stays: {}", schedule.name(), old.device(), e.getMessage());
      }
    }
  }

  private static long number(SnapshotState snapshot) {
    return Objects.requireNonNull(snapshot.scheduled()).run();
  }

  /** When it was due. */
  Instant due() {
    return mark.due();
  }
}
