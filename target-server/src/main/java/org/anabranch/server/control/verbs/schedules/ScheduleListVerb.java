// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.schedules;

import java.util.List;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.control.verbs.snapshots.ScheduleEntry;
import org.anabranch.server.schedule.Schedules;

/** {@code schedule list}. */
public final class ScheduleListVerb implements Verb<Nothing, Nothing, ScheduleListVerb.Result> {
  public static final Call<Nothing, Nothing, Result> CALL =
      Call.of("schedule list", "Lists the schedules of snapshots.", Nothing.class, Result.class);

  /** All schedules. */
  public record Result(@Doc("as schedules in status, by name") List<ScheduleEntry> schedules) {}

  private final Schedules schedules;

  ScheduleListVerb(Schedules schedules) {
    this.schedules = schedules;
  }

  @Override
  public Call<Nothing, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public Result run(Nothing arguments, Caller<Nothing> caller) {
    return new Result(schedules.status().stream().map(ScheduleEntry::of).toList());
  }
}
