// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.TextTable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code anabranch status}: what a server serves, and to whom. */
@Command(
    name = "status",
    description = "Show volumes, snapshots and sessions, and warn of what is wrong.",
    footer = {"", "Examples:", "  anabranch status", "  anabranch status --watch"},
    mixinStandardHelpOptions = true)
public final class StatusCommand implements Callable<Integer> {
  @Option(names = "--watch", description = "Again every second, until interrupted.")
  private boolean watch;

  @Mixin private ServerOption server = new ServerOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    Screen screen = Screen.on(out);
    do {
      Map<String, Object> status = server.client().ask("status", Map.of(), p -> {});
      if (watch && !server.json()) {
        screen.again();
      }
      out.print(server.json() ? Json.pretty(status) : text(status, screen.columns()));
      out.flush();
      if (watch) {
        TimeUnit.SECONDS.sleep(1);
      }
    } while (watch);
    return 0;
  }

  private static String text(Map<String, Object> status, int columns) {
    StringBuilder text = new StringBuilder();
    text.append("anabranch ").append(status.get("version")).append(", portals ");
    if (status.get("portals") instanceof List<?> portals) {
      text.append(String.join(" ", portals.stream().map(String::valueOf).toList()));
    }
    text.append("\n\n").append(volumes(Json.objects(status, "volumes")).text(columns));
    List<Map<?, ?>> snapshots = Json.objects(status, "snapshots");
    if (!snapshots.isEmpty()) {
      text.append('\n').append(SnapshotCommand.table(snapshots).text(columns));
    }
    List<Map<?, ?>> sessions = Json.objects(status, "sessions");
    text.append('\n')
        .append(
            sessions.isEmpty()
                ? "nobody is logged in\n"
                : SessionCommand.table(sessions).text(columns));
    if (status.get("warnings") instanceof List<?> warnings && !warnings.isEmpty()) {
      text.append('\n');
      warnings.forEach(warning -> text.append("WARNING: ").append(warning).append('\n'));
    }
    return text.toString();
  }

  private static TextTable volumes(List<Map<?, ?>> volumes) {
    TextTable table = new TextTable("VOLUME", "SIZE", "TABLE");
    for (Map<?, ?> volume : volumes) {
      Object name = volume.get("name");
      if (VolumeCommand.leftOut(volume)) {
        table.row(name, "", "left out");
        continue;
      }
      Object size = VolumeCommand.size(volume, "bytes");
      for (String line : String.valueOf(volume.get("table")).split("\n", -1)) {
        table.row(name, size, line);
        name = "";
        size = "";
      }
    }
    return table;
  }
}
