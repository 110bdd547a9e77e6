// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.schedules;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.control.verbs.snapshots.ScheduleEntry;
import org.anabranch.server.schedule.Schedules;

/** {@code schedule resume}. */
public final class ScheduleResumeVerb
    implements Verb<ScheduleResumeVerb.Arguments, Nothing, ScheduleEntry> {
  public static final Call<Arguments, Nothing, ScheduleEntry> CALL =
      Call.of(
          "schedule resume",
          "Resumes a schedule; what was due in the meantime is not taken.",
          Arguments.class,
          ScheduleEntry.class);

  /** Which one. */
  public record Arguments(@Doc("of the schedule") String name) {}

  private final Schedules schedules;

  ScheduleResumeVerb(Schedules schedules) {
    this.schedules = schedules;
  }

  @Override
  public Call<Arguments, Nothing, ScheduleEntry> call() {
    return CALL;
  }

  @Override
  public ScheduleEntry run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    return ScheduleEntry.of(schedules.pause(arguments.name(), false));
  }
}
