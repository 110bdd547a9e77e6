// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.schedule;

import java.time.Instant;
import org.anabranch.config.schedule.ScheduleConfig;
import org.anabranch.server.schedule.ScheduleHistory.Result;
import org.jspecify.annotations.Nullable;

/**
 * What can be seen of a schedule.
 *
 * @param config what is configured
 * @param next when it is due next; in the past while it is late; while it is paused, when it would
 *     be due if it were resumed now
 * @param paused whether it runs only when somebody asks for it
 * @param running whether it runs now
 * @param snapshots that it has made and that are there
 * @param lastDue when its last run was due; null: it has not run yet
 * @param result how that ended; null: it has not run yet
 * @param text what went wrong in it; empty: nothing
 * @param runs since the server began
 * @param failures of these, those that were not done wholly
 */
public record ScheduleStatus(
    ScheduleConfig config,
    Instant next,
    boolean paused,
    boolean running,
    int snapshots,
    @Nullable Instant lastDue,
    @Nullable Result result,
    String text,
    long runs,
    long failures) {
  /** Whether its last run did what it should. */
  public boolean isWell() {
    return result == null || result == Result.DONE;
  }
}
