// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.schedule;

import java.time.Duration;
import java.time.Instant;
import org.anabranch.config.schedule.ScheduleConfig;

/**
 * The instants at which something is due: multiples of a time since 1970-01-01T00:00:00Z, and an
 * offset.
 *
 * @param every whole seconds, at least 1
 * @param offset whole seconds, less than {@code every}
 */
record Recurrence(Duration every, Duration offset) {
  static Recurrence of(ScheduleConfig schedule) {
    return new Recurrence(schedule.every(), schedule.offset());
  }

  /** The last instant that is not after {@code now}. */
  Instant last(Instant now) {
    long seconds = now.getEpochSecond() - offset.toSeconds();
    return Instant.ofEpochSecond(
        Math.floorDiv(seconds, every.toSeconds()) * every.toSeconds() + offset.toSeconds());
  }

  /** The first instant after {@code now}. */
  Instant next(Instant now) {
    return last(now).plus(every);
  }

  /**
   * What counts as done, when {@code done} was done and the clock shows {@code now}. A clock that
   * went back a little must not repeat what was done; one that was far ahead, and was put right,
   * must not stop the schedule.
   */
  Instant done(Instant done, Instant now) {
    return done.isAfter(now.plus(every)) ? last(now) : done;
  }

  /** When the next one is due, after {@code done}; not before {@code now} only when it is late. */
  Instant due(Instant done, Instant now) {
    Instant settled = done(done, now);
    Instant latest = last(now);
    return latest.isAfter(settled) ? latest : next(settled);
  }
}
