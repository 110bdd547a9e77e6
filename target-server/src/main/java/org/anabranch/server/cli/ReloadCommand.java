// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

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

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException {
    Map<String, Object> result = server.client().ask("reload", Map.of("force", force), p -> {});
    PrintWriter out = spec.commandLine().getOut();
    if (server.json()) {
      out.print(Json.pretty(result));
    } else if (result.get("changes") instanceof List<?> changes && !changes.isEmpty()) {
      changes.forEach(out::println);
    } else {
      out.println("nothing has changed");
    }
    out.flush();
    return 0;
  }
}
