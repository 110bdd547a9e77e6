// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.time.Instant;
import java.util.List;
import org.anabranch.server.control.Doc;
import org.anabranch.server.schedule.ScheduleStatus;
import org.jspecify.annotations.Nullable;

/** A schedule of snapshots. */
public record ScheduleEntry(
    @Doc("of the schedule") String name,
    @Doc("of which snapshots are taken") List<String> volumes,
    @Doc("from one to the next") long everySeconds,
    @Doc("how many of each volume are kept") int keep,
    @Doc("that it has made and that are there, of all volumes") int snapshots,
    @Doc("a time: when it is due next, or would be if it were not paused") Instant next,
    @Doc("whether it runs only by schedule run") boolean paused,
    @Doc("whether it is taking snapshots now") boolean running,
    @Doc("a time: when its last run was due; absent: it has not run yet") @Nullable Instant last,
    @Doc("done, partly (not of all volumes), failed; absent: it has not run yet")
        @Nullable Outcome lastResult,
    @Doc("what went wrong in it; absent: nothing") @Nullable String lastError) {
  /** How a run ended. */
  public enum Outcome {
    DONE,
    PARTLY,
    FAILED
  }

  /** What can be seen of a schedule. */
  public static ScheduleEntry of(ScheduleStatus status) {
    return new ScheduleEntry(
        status.config().name(),
        status.config().volumes(),
        status.config().every().toSeconds(),
        status.config().keep(),
        status.snapshots(),
        status.next(),
        status.paused(),
        status.running(),
        status.lastDue(),
        status.result() == null ? null : Outcome.valueOf(status.result().name()),
        status.text().isEmpty() ? null : status.text());
  }
}
