// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.TextTable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code anabranch session}: who is logged in. */
@Command(
    name = "session",
    description = "Show who is logged in, or end a session.",
    mixinStandardHelpOptions = true)
public final class SessionCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw Usage.error(spec, "a command is missing");
  }

  @Command(
      name = "list",
      description = "Show who is logged in.",
      footer = {"", "Example:", "  anabranch session list"},
      mixinStandardHelpOptions = true)
  int list(@Mixin ServerOption server) throws RefusedException {
    Map<String, Object> result = server.client().ask("session list", Map.of(), p -> {});
    PrintWriter out = spec.commandLine().getOut();
    out.print(
        server.json()
            ? Json.pretty(result)
            : table(Json.objects(result, "sessions")).text(Screen.on(out).columns()));
    out.flush();
    return 0;
  }

  static TextTable table(List<Map<?, ?>> sessions) {
    TextTable table = new TextTable("ID", "COMMANDS", "FROM", "PORTAL", "INITIATOR", "TARGET");
    for (Map<?, ?> session : sessions) {
      table.row(
          session.get("id"),
          session.get("commands-done"),
          session.get("from"),
          session.get("portal"),
          session.get("initiator"),
          "".equals(session.get("target")) ? "(discovery)" : session.get("target"));
    }
    return table;
  }

  @Command(
      name = "drop",
      description = "End a session; its initiator may log in again.",
      footer = {"", "Example:", "  anabranch session drop 3"},
      mixinStandardHelpOptions = true)
  int drop(@Parameters(paramLabel = "ID") long id, @Mixin ServerOption server)
      throws RefusedException {
    Map<String, Object> result = server.client().ask("session drop", Map.of("id", id), p -> {});
    PrintWriter out = spec.commandLine().getOut();
    out.print(server.json() ? Json.pretty(result) : "session " + id + " dropped\n");
    out.flush();
    return 0;
  }
}
