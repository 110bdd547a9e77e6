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
 * @param paused whether it runs only when somebody asks for it
 */
record ScheduleHistory(
    Recurrence recurrence, Instant done, long run, @Nullable LastRun last, boolean paused) {
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
    Instant latest = done.isAfter(over.due()) ? done : over.due();
    return new ScheduleHistory(recurrence, latest, number, over, paused);
  }

  /** The same, done up to another instant. */
  ScheduleHistory until(Instant instant) {
    return instant.equals(done)
        ? this
        : new ScheduleHistory(recurrence, instant, run, last, paused);
  }

  /** Paused at an instant, or resumed: then what was due in the meantime is not taken. */
  ScheduleHistory paused(boolean isPaused, Instant now) {
    Instant latest = recurrence.last(now);
    Instant settled = isPaused || done.isAfter(latest) ? done : latest;
    return new ScheduleHistory(recurrence, settled, run, last, isPaused);
  }

  /** With another recurrence, which begins now. */
  ScheduleHistory with(Recurrence changed, Instant now) {
    Instant latest = changed.last(now);
    return new ScheduleHistory(changed, done.isAfter(latest) ? done : latest, run, last, paused);
  }
}
