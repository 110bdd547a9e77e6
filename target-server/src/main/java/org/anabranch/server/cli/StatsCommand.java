// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.verbs.StatsVerb;
import org.anabranch.server.terminal.Screen;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code anabranch stats}: what each volume does, in the manner of iostat. */
@Command(
    name = "stats",
    description = {
      "Show what was done to each volume, snapshot and device.",
      "Without --watch: since the server began, as averages over that time."
    },
    footer = {
      "",
      "Columns: commands and bytes a second, read and written; latency of reads and writes (median,"
          + " and what 99 of 100 do not exceed); commands in flight; chunks copied for snapshots a"
          + " second; bytes merged a second.",
      "",
      "Examples:",
      "  anabranch stats",
      "  anabranch stats --watch 5"
    },
    mixinStandardHelpOptions = true)
public final class StatsCommand implements Callable<Integer> {
  private static final int MAX_SECONDS = 86_400;
  private static final String NOTHING =
      "there is nothing to count: the server has neither volumes nor devices\n";

  @Option(
      names = "--watch",
      paramLabel = "SECONDS",
      arity = "0..1",
      fallbackValue = "1",
      description = "Again every so many seconds (1 without a number), until interrupted.")
  private @Nullable Integer watch;

  @Mixin private ServerOption server = new ServerOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException, InterruptedException {
    Integer seconds = watch;
    if (seconds != null && (seconds < 1 || seconds > MAX_SECONDS)) {
      throw new ParameterException(
          spec.commandLine(), "--watch takes 1 to " + MAX_SECONDS + " seconds, not " + seconds);
    }
    PrintWriter out = spec.commandLine().getOut();
    Screen screen = Screen.on(out);
    StatsVerb.Result before = null;
    while (!out.checkError()) {
      StatsVerb.Result now = server.client().ask(StatsVerb.CALL, Nothing.NOTHING);
      if (before != null && !server.json()) {
        screen.again();
      }
      StatsVerb.Result earlier = before;
      server.print(
          now,
          stats ->
              stats.volumes().isEmpty()
                  ? NOTHING
                  : StatsTable.of(earlier, stats).text(screen.columns()));
      if (seconds == null) {
        return 0;
      }
      before = now;
      TimeUnit.SECONDS.sleep(seconds);
    }
    return 0;
  }
}
