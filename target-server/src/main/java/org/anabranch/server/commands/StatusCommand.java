// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.commands;

import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.anabranch.server.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.terminal.Sizes;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code anabranch status}: what a server serves, and to whom. */
@Command(
    name = "status",
    description = "Show volumes, snapshots and sessions.",
    mixinStandardHelpOptions = true)
public final class StatusCommand implements Callable<Integer> {
  @Option(names = "--watch", description = "Again every second, until interrupted.")
  private boolean watch;

  @Mixin private ServerOption server = new ServerOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    do {
      Map<String, Object> status = server.client().ask("status", Map.of(), p -> {});
      out.print(server.json() ? Json.pretty(status) : text(status));
      out.flush();
      if (watch) {
        TimeUnit.SECONDS.sleep(1);
        out.println();
      }
    } while (watch);
    return 0;
  }

  private static String text(Map<String, Object> status) {
    StringBuilder text = new StringBuilder();
    text.append("anabranch ").append(status.get("version")).append(", portals ");
    if (status.get("portals") instanceof List<?> portals) {
      text.append(String.join(" ", portals.stream().map(String::valueOf).toList()));
    }
    text.append(String.format("%n%n%-20s %-10s %s%n", "VOLUME", "SIZE", "TABLE"));
    for (Map<?, ?> volume : objects(status, "volumes")) {
      text.append(
          String.format(
              "%-20s %-10s %s%n",
              volume.get("name"),
              volume.get("bytes") instanceof Number n ? Sizes.bytes(n.doubleValue()) : "?",
              String.valueOf(volume.get("table")).replace("\n", "; ")));
    }
    for (Map<?, ?> snapshot : objects(status, "snapshots")) {
      text.append(
          String.format(
              "%-20s %-10s %s%n",
              snapshot.get("name"), snapshot.get("phase"), snapshot.get("status")));
    }
    if (status.get("warnings") instanceof List<?> warnings) {
      warnings.forEach(warning -> text.append("WARNING: ").append(warning).append('\n'));
    }
    return text.append('\n').append(SessionCommand.table(objects(status, "sessions"))).toString();
  }

  private static List<? extends Map<?, ?>> objects(Map<String, Object> status, String key) {
    return status.get(key) instanceof List<?> list
        ? list.stream().map(each -> (Map<?, ?>) each).toList()
        : List.of();
  }
}
