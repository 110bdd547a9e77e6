// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.commands;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.anabranch.server.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code anabranch dm}: dmsetup for the server's devices. */
@Command(
    name = "dm",
    description = "Look at and change the server's mapped devices, as dmsetup does.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "ls | targets | table [NAME...] | status [NAME...] | info [NAME...]",
      "create NAME [--notable | --table TABLE | FILE]     a table without these comes from",
      "load NAME [--table TABLE | FILE]                   standard input",
      "suspend [--noflush] NAME | resume NAME | clear NAME | remove NAME",
      "wait NAME [EVENT] | message NAME SECTOR WORD..."
    })
public final class DmCommand implements Callable<Integer> {
  @Parameters(paramLabel = "VERB ...", arity = "1..*", description = "See below.")
  private List<String> words = List.of();

  @Option(names = "--table", paramLabel = "TABLE", description = "A table for create or load.")
  private @Nullable String table;

  @Option(names = "--notable", description = "Create without a table.")
  private boolean noTable;

  @Option(names = "--noflush", description = "Suspend without waiting for queued work.")
  private boolean noflush;

  @Mixin private ServerOption server = new ServerOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException {
    List<String> sent = new ArrayList<>(words);
    Map<String, Object> arguments = new LinkedHashMap<>();
    String verb = sent.getFirst();
    boolean takesTable = List.of("create", "load", "reload").contains(verb) && !noTable;
    if (takesTable) {
      arguments.put("table", tableText(sent));
    }
    if (noflush) {
      sent.add("--noflush");
    }
    arguments.put("words", sent);
    Map<String, Object> result = server.client().ask("dm", arguments, progress -> {});
    PrintWriter out = spec.commandLine().getOut();
    out.print(server.json() ? Json.pretty(result) : result.get("text"));
    out.flush();
    return 0;
  }

  private String tableText(List<String> sent) throws RefusedException {
    if (table != null) {
      return table;
    }
    try {
      if (sent.size() == 3) {
        return Files.readString(Path.of(sent.removeLast()));
      }
      return new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new RefusedException("the table cannot be read: " + StateDirectory.reason(e), e);
    }
  }
}
