// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.schedule;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is remembered of a schedule.
 *
 * @param recurrence when it was due
 * @param done up to which instant it need not run any more
 * @param run the number of its last run, from 1; 0: none yet
 * @param last how that ended; null: none yet
 */
record ScheduleHistory(Recurrence recurrence, Instant done, long run, @Nullable LastRun last) {
  /** How a run ended. */
  public enum Result {
    /** Snapshots of all volumes were taken. */
    DONE,
    /** Of some. */
    PARTLY,
    /** Of none. */
    FAILED
  }

  /**
   * A run.
   *
   * @param due when it was due
   * @param ended when it was over
   * @param text what was not done, and what went wrong; empty: nothing
   */
  record LastRun(Instant due, Instant ended, Result result, String text) {}

  /** After a run. */
  ScheduleHistory after(long number, LastRun over) {
    return new ScheduleHistory(recurrence, over.due(), number, over);
  }

  /** The same, done up to another instant. */
  ScheduleHistory until(Instant instant) {
    return instant.equals(done) ? this : new ScheduleHistory(recurrence, instant, run, last);
  }

  /** With another recurrence, which begins now. */
  ScheduleHistory with(Recurrence changed, Instant now) {
    Instant latest = changed.last(now);
    return new ScheduleHistory(changed, done.isAfter(latest) ? done : latest, run, last);
  }
}
