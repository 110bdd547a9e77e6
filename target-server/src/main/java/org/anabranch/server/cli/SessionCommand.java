// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.verbs.SessionDropVerb;
import org.anabranch.server.control.verbs.SessionEntry;
import org.anabranch.server.control.verbs.SessionListVerb;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.TextTable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code anabranch session}: who is logged in. */
@Command(
    name = "session",
    description = "Show who is logged in, or end a session.",
    mixinStandardHelpOptions = true)
public final class SessionCommand extends CommandGroup {
  @Command(
      name = "list",
      aliases = "ls",
      description = "Show who is logged in.",
      footer = {"", "Example:", "  anabranch session list"},
      mixinStandardHelpOptions = true)
  int list(@Mixin ServerOption server) throws RefusedException {
    return server.show(
        SessionListVerb.CALL,
        Nothing.NOTHING,
        result ->
            result.sessions().isEmpty()
                ? "nobody is logged in\n"
                : table(result.sessions()).text(Screen.on(server.out()).columns()));
  }

  static TextTable table(List<SessionEntry> sessions) {
    TextTable table = new TextTable("ID", "COMMANDS", "FROM", "PORTAL", "INITIATOR", "TARGET");
    for (SessionEntry session : sessions) {
      table.row(
          session.id(),
          session.commandsDone(),
          session.from(),
          session.portal(),
          session.initiator(),
          session.target().isEmpty() ? "(discovery)" : session.target());
    }
    return table;
  }

  @Command(
      name = "drop",
      aliases = {"rm", "remove", "delete"},
      description = "End a session; its initiator may log in again.",
      footer = {"", "Example:", "  anabranch session drop 3"},
      mixinStandardHelpOptions = true)
  int drop(@Parameters(paramLabel = "ID") long id, @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        SessionDropVerb.CALL,
        new SessionDropVerb.Arguments(id),
        result -> "session " + result.dropped() + " dropped\n");
  }
}
