// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.io.IOException;
import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Version;
import org.anabranch.server.base.Warning;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.Verb;
import org.anabranch.server.control.verbs.snapshots.HookEntry;
import org.anabranch.server.control.verbs.snapshots.ScheduleEntry;
import org.anabranch.server.control.verbs.snapshots.SnapshotEntry;
import org.anabranch.server.control.verbs.snapshots.SnapshotListVerb;

/** {@code status}: everything that the server serves, to whom, and what is wrong. */
public final class StatusVerb implements Verb<Nothing, Nothing, StatusVerb.Result> {
  public static final Call<Nothing, Nothing, Result> CALL =
      Call.of(
          "status",
          "Reports what is served, who is logged in, and what is wrong.",
          Nothing.class,
          Result.class);

  /** The whole server. */
  public record Result(
      @Doc("of the server") String version,
      @Doc("ADDRESS:PORT where it listens") List<String> portals,
      @Doc("by name") List<TargetEntry> targets,
      @Doc(value = "as in volume list", listedIn = "volume list") List<VolumeEntry> volumes,
      @Doc(value = "as in snapshot list", listedIn = "snapshot list") List<SnapshotEntry> snapshots,
      @Doc("streams that are being imported, by volume") List<ImportEntry> imports,
      @Doc("schedules of snapshots, by name") List<ScheduleEntry> schedules,
      @Doc("hooks that have run since the server began") List<HookEntry> hooks,
      @Doc(value = "as in session list", listedIn = "session list") List<SessionEntry> sessions,
      @Doc("each of problems[] in one line") List<String> warnings,
      @Doc("what is worse than a user may think; empty when all is well")
          List<ProblemEntry> problems) {}

  private final RunningServer server;

  StatusVerb(RunningServer server) {
    this.server = server;
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
  public Place place(Nothing arguments) {
    return Place.STATUS;
  }

  @Override
  public Result run(Nothing arguments, Caller<Nothing> caller) throws RefusedException {
    return read(server);
  }

  /** The state of now. */
  public static Result read(RunningServer server) throws RefusedException {
    List<Warning> warnings = server.warnings();
    return new Result(
        version(),
        server.portals(),
        server.configuration().targets().values().stream()
            .map(target -> TargetEntry.of(target, server.storage(), server.sessionInfos()))
            .toList(),
        VolumeListVerb.all(server),
        SnapshotListVerb.of(server.snapshots(), null),
        server.volumeImports().underWay().stream().map(ImportEntry::of).toList(),
        server.schedules().status().stream().map(ScheduleEntry::of).toList(),
        server.hookCounts().all().stream().map(HookEntry::of).toList(),
        SessionListVerb.all(server),
        warnings.stream().map(Warning::toString).toList(),
        warnings.stream().map(ProblemEntry::of).toList());
  }

  private static String version() throws RefusedException {
    try {
      return Version.number();
    } catch (IOException e) {
      throw new RefusedException("version: " + e.getMessage(), e);
    }
  }
}
