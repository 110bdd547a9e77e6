// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.schedules;

import java.util.List;
import org.anabranch.server.control.Verb;
import org.anabranch.server.schedule.Schedules;

/** The list of the verbs for schedules. */
public final class ScheduleVerbs {
  private ScheduleVerbs() {}

  /** All of them. */
  public static List<Verb<?, ?, ?>> all(Schedules schedules) {
    return List.of(
        new ScheduleListVerb(schedules),
        new ScheduleRunVerb(schedules),
        new SchedulePauseVerb(schedules),
        new ScheduleResumeVerb(schedules));
  }
}
