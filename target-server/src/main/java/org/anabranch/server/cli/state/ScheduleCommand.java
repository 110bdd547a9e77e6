// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli.state;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.cli.CommandGroup;
import org.anabranch.server.cli.ServerOption;
import org.anabranch.server.cli.SnapshotTable;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.verbs.schedules.ScheduleListVerb;
import org.anabranch.server.control.verbs.schedules.SchedulePauseVerb;
import org.anabranch.server.control.verbs.schedules.ScheduleResumeVerb;
import org.anabranch.server.control.verbs.schedules.ScheduleRunVerb;
import org.anabranch.server.terminal.Screen;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code anabranch schedule}: snapshots that the server takes by itself. */
@Command(
    name = "schedule",
    description = {
      "Show the schedules of snapshots, run one now, or pause one.",
      "Schedules are configured under snapshots { } in the configuration file."
    },
    mixinStandardHelpOptions = true)
public final class ScheduleCommand extends CommandGroup {
  private static final String NAME = "Of a schedule in the configuration.";

  @Command(
      name = "list",
      aliases = "ls",
      description = "Show each schedule, when it is due next, and how its last run ended.",
      footer = {"", "Example:", "  anabranch schedule list"},
      mixinStandardHelpOptions = true)
  int list(@Mixin ServerOption server) throws RefusedException {
    return server.show(
        ScheduleListVerb.CALL,
        Nothing.NOTHING,
        result ->
            result.schedules().isEmpty()
                ? "no schedule is configured\n"
                : SnapshotTable.schedules(result.schedules())
                    .text(Screen.on(server.out()).columns()));
  }

  @Command(
      name = "run",
      description = {
        "Take the snapshots of a schedule now, also of one that is paused, and wait for the end.",
        "They count among those that are kept: the oldest ones that are too many are removed."
      },
      footer = {"", "Example:", "  anabranch schedule run hourly"},
      mixinStandardHelpOptions = true)
  int run(
      @Parameters(paramLabel = "NAME", description = NAME) String name, @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        ScheduleRunVerb.CALL,
        new ScheduleRunVerb.Arguments(name),
        result -> "schedule " + name + ": the snapshots were taken\n");
  }

  @Command(
      name = "pause",
      description = {
        "Let a schedule take no snapshots until it is resumed, also over restarts of the server.",
        "A run that is under way goes on."
      },
      footer = {"", "Example:", "  anabranch schedule pause hourly"},
      mixinStandardHelpOptions = true)
  int pause(
      @Parameters(paramLabel = "NAME", description = NAME) String name, @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        SchedulePauseVerb.CALL,
        new SchedulePauseVerb.Arguments(name),
        result -> "schedule " + name + " is paused\n");
  }

  @Command(
      name = "resume",
      description = {
        "Let a schedule that was paused go on.",
        "What was due in the meantime is not taken; schedule run takes a snapshot at once."
      },
      footer = {"", "Example:", "  anabranch schedule resume hourly"},
      mixinStandardHelpOptions = true)
  int resume(
      @Parameters(paramLabel = "NAME", description = NAME) String name, @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        ScheduleResumeVerb.CALL,
        new ScheduleResumeVerb.Arguments(name),
        result -> "schedule " + name + " is resumed; it is due at " + result.next() + "\n");
  }
}
