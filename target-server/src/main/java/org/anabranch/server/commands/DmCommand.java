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
import java.util.stream.Collectors;
import org.anabranch.block.dm.TableLine;
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
      "ls | targets | table [--inactive] [NAME...] | status [NAME...] | info [NAME...]",
      "    ls, table, status: --target TYPE for those of one type",
      "create NAME [-n | --table TABLE | FILE]            a table without these comes from",
      "load NAME [--table TABLE | FILE]                   standard input",
      "suspend [--noflush] NAME | resume NAME | clear NAME",
      "rename NAME NEWNAME | remove NAME",
      "wait [-v] NAME [EVENT] | message NAME SECTOR WORD...",
      "",
      "A device that create made is there again after a restart, with its live table."
    })
public final class DmCommand implements Callable<Integer> {
  /** Of the words of a table's row: start, length and type come before. */
  private static final int ARGUMENTS = 3;

  @Parameters(paramLabel = "VERB ...", arity = "1..*", description = "See below.")
  private List<String> words = List.of();

  @Option(names = "--table", paramLabel = "TABLE", description = "A table for create or load.")
  private @Nullable String table;

  @Option(
      names = {"-n", "--notable"},
      description = "Create without a table.")
  private boolean noTable;

  @Option(names = "--noflush", description = "Suspend without waiting for queued work.")
  private boolean noflush;

  @Option(names = "--inactive", description = "The table that was loaded and not resumed.")
  private boolean inactive;

  @Option(names = "--target", paramLabel = "TYPE", description = "Only this target type.")
  private @Nullable String target;

  @Option(
      names = {"-v", "--verbose"},
      description = "After a wait: what info says.")
  private boolean verbose;

  @Mixin private ServerOption server = new ServerOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException {
    List<String> sent = new ArrayList<>(words);
    Map<String, Object> arguments = new LinkedHashMap<>();
    String verb = sent.getFirst();
    boolean takesTable = List.of("create", "load", "reload").contains(verb) && !noTable;
    if (takesTable) {
      arguments.put("table", absolute(tableText(sent)));
    }
    if (noflush) {
      sent.add("--noflush");
    }
    if (inactive) {
      sent.add("--inactive");
    }
    if (verbose) {
      sent.add("-v");
    }
    if (target != null) {
      sent.addAll(List.of("--target", target));
    }
    arguments.put("words", sent);
    Map<String, Object> result = server.client().ask("dm", arguments, progress -> {});
    PrintWriter out = spec.commandLine().getOut();
    out.print(server.json() ? Json.pretty(result) : result.get("text"));
    out.flush();
    return 0;
  }

  /** A relative path is relative to the user's folder, not to the server's. */
  private static String absolute(String table) {
    String here = TableLine.quote(Path.of("").toAbsolutePath() + "/");
    return table
        .lines()
        .map(line -> {
          String[] words = line.strip().split("(?<!\\\\)[ \t]+", -1);
          for (int i = ARGUMENTS; i < words.length; i++) {
            words[i] = (words[i].indexOf('/') > 0 ? here : "") + words[i];
          }
          return String.join(" ", words);
        })
        .collect(Collectors.joining("\n"));
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
