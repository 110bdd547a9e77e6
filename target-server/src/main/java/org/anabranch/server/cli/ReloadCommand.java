// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.util.concurrent.Callable;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.ChangeLines;
import org.anabranch.server.control.verbs.ReloadVerb;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code anabranch reload}: applies a changed configuration file. */
@Command(
    name = "reload",
    description = {
      "Let the server read its configuration file again and apply what has changed.",
      "When something is wrong with the file, nothing is applied. Sessions that the",
      "change does not concern go on. SIGHUP to the server does the same, without",
      "--force."
    },
    footer = {"", "Example:", "  anabranch reload"},
    mixinStandardHelpOptions = true)
public final class ReloadCommand implements Callable<Integer> {
  @Option(
      names = "--force",
      description = "Also when initiators are logged in to LUNs that the change takes away.")
  private boolean force;

  @Mixin private ServerOption server = new ServerOption();

  @Override
  public Integer call() throws RefusedException {
    return server.show(ReloadVerb.CALL, new ReloadVerb.Arguments(force), ReloadCommand::text);
  }

  /** The changes, a line each. */
  static String text(ChangeLines lines) {
    return lines.changes().isEmpty()
        ? "nothing has changed\n"
        : String.join("\n", lines.changes()) + "\n";
  }
}
