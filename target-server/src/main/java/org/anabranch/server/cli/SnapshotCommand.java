// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.anabranch.config.DataSize;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.Sizes;
import org.anabranch.server.terminal.TextTable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code anabranch snapshot}: a volume's snapshots. */
@Command(
    name = "snapshot",
    description = "Take snapshots of volumes, roll volumes back to them, export and remove them.",
    mixinStandardHelpOptions = true,
    subcommands = {
      SnapshotDataCommands.Diff.class,
      SnapshotDataCommands.Export.class,
      SnapshotDataCommands.Import.class
    })
public final class SnapshotCommand implements Runnable {
  private static final Pattern SECTORS = Pattern.compile("(\\d+)/(\\d+) \\d+");
  private static final int SECTOR = 512;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw Usage.error(spec, "a command is missing");
  }

  private void print(ServerOption server, Map<String, Object> result, String text) {
    PrintWriter out = spec.commandLine().getOut();
    out.print(server.json() ? Json.pretty(result) : text + "\n");
    out.flush();
  }

  @Command(
      name = "create",
      description = "Take a snapshot; nothing stops, nobody logs out.",
      footer = {
        "",
        "Examples:",
        "  anabranch snapshot create vm1@before-upgrade",
        "  anabranch snapshot create vm1@small --size \"2 GiB\" --read-only"
      },
      mixinStandardHelpOptions = true)
  int create(
      @Parameters(paramLabel = "VOLUME@NAME") String name,
      @Option(
              names = "--size",
              paramLabel = "SIZE",
              description = "How large its store is at first; without it, as it can need.")
          @Nullable String size,
      @Option(names = "--chunk-size", paramLabel = "SIZE", description = "4 KiB to 32 MiB; 8 KiB.")
          @Nullable String chunkSize,
      @Option(names = "--writable", description = "Initiators can write to it; the default.")
          boolean writable,
      @Option(names = "--read-only", description = "Initiators cannot write to it.")
          boolean readOnly,
      @Mixin ServerOption server)
      throws RefusedException {
    int at = name.indexOf('@');
    if (at <= 0) {
      throw Usage.error(spec, "not VOLUME@NAME: " + name);
    }
    if (writable && readOnly) {
      throw Usage.error(spec, "--writable or --read-only, not both");
    }
    Map<String, Object> arguments = new LinkedHashMap<>();
    arguments.put("volume", name.substring(0, at));
    arguments.put("name", name.substring(at + 1));
    arguments.put("read-only", readOnly);
    if (size != null) {
      arguments.put("size", bytes(size));
    }
    if (chunkSize != null) {
      arguments.put("chunk-sectors", bytes(chunkSize) / 512);
    }
    Map<String, Object> result = server.client().ask("snapshot create", arguments, p -> {});
    print(server, result, "snapshot " + name + " taken");
    return 0;
  }

  private long bytes(String text) {
    Long bytes = DataSize.parse(text);
    if (bytes == null || bytes % 512 != 0) {
      throw Usage.error(spec, "not a size in whole sectors: " + text + "; such as 8 KiB or 2 GiB");
    }
    return bytes;
  }

  @Command(
      name = "list",
      description = "Show snapshots, all or a volume's.",
      footer = {"", "Example:", "  anabranch snapshot list vm1"},
      mixinStandardHelpOptions = true)
  int list(
      @Parameters(paramLabel = "VOLUME", arity = "0..1") @Nullable String volume,
      @Mixin ServerOption server)
      throws RefusedException {
    Map<String, Object> arguments = volume == null ? Map.of() : Map.of("volume", volume);
    Map<String, Object> result = server.client().ask("snapshot list", arguments, p -> {});
    PrintWriter out = spec.commandLine().getOut();
    out.print(
        server.json()
            ? Json.pretty(result)
            : table(Json.objects(result, "snapshots")).text(Screen.on(out).columns()));
    out.flush();
    return 0;
  }

  static TextTable table(List<Map<?, ?>> snapshots) {
    TextTable table = new TextTable("SNAPSHOT", "TAKEN", "PHASE", "STORE");
    for (Map<?, ?> snapshot : snapshots) {
      table.row(
          snapshot.get("name"),
          String.valueOf(snapshot.get("created")).replaceFirst("\\.\\d+Z$", "Z"),
          snapshot.get("phase"),
          snapshot.get("merge") instanceof Map<?, ?> merge
              ? MergeText.of(merge).line()
              : used(String.valueOf(snapshot.get("status"))));
    }
    return table;
  }

  /** What device-mapper tells in sectors, in the form that people read; another status as it is. */
  private static String used(String status) {
    Matcher sectors = SECTORS.matcher(status);
    return sectors.matches()
        ? Sizes.bytes(Double.parseDouble(sectors.group(1)) * SECTOR)
            + " of "
            + Sizes.bytes(Double.parseDouble(sectors.group(2)) * SECTOR)
        : status;
  }

  @Command(
      name = "remove",
      description = "Remove a snapshot; the volume stays as it is now.",
      footer = {"", "Example:", "  anabranch snapshot remove vm1@before-upgrade"},
      mixinStandardHelpOptions = true)
  int remove(
      @Parameters(paramLabel = "VOLUME@NAME") String name,
      @Option(
              names = "--force",
              description =
                  "Also if initiators are logged in that see it as a LUN, or if its merge cannot go"
                      + " on because it is invalid.")
          boolean force,
      @Mixin ServerOption server)
      throws RefusedException {
    Map<String, Object> result =
        server.client().ask("snapshot remove", Map.of("name", name, "force", force), p -> {});
    print(server, result, "snapshot " + name + " removed");
    return 0;
  }

  @Command(
      name = "merge",
      description = {
        "Roll a volume back to a snapshot.",
        "It begins when nobody is logged in to the volume, or at the next start of the server.",
        "The snapshot is gone at the end."
      },
      footer = {
        "",
        "Examples:",
        "  anabranch snapshot merge vm1@before-upgrade",
        "  anabranch snapshot merge vm1@before-upgrade --now --wait"
      },
      mixinStandardHelpOptions = true)
  int merge(
      @Parameters(paramLabel = "VOLUME@NAME") String name,
      @Option(names = "--now", description = "Begin under initiators; they are told.") boolean now,
      @Option(names = "--wait", description = "Show how far it is; may be interrupted.")
          boolean wait,
      @Option(names = "--cancel", description = "Take back one that waits to begin.")
          boolean cancel,
      @Mixin ServerOption server)
      throws RefusedException {
    if (cancel && (now || wait)) {
      throw Usage.error(spec, "--cancel goes with no other option");
    }
    Screen screen = Screen.on(spec.commandLine().getOut());
    MergeBar bar = new MergeBar(screen, "");
    Thread interrupted =
        new Thread(() -> screen.line("the merge goes on; snapshot list tells how far it is"));
    if (wait && !server.json()) {
      Runtime.getRuntime().addShutdownHook(interrupted);
    }
    Map<String, Object> result;
    try {
      result =
          server
              .client()
              .ask(
                  "snapshot merge",
                  Map.of("name", name, "now", now, "wait", wait, "cancel", cancel),
                  server.json() ? p -> {} : bar::update);
    } finally {
      Runtime.getRuntime().removeShutdownHook(interrupted);
    }
    String text =
        switch (String.valueOf(result.get("phase"))) {
          case "ready" -> "snapshot " + name + " will not be merged";
          case "merged" -> "volume " + result.get("volume") + " is rolled back to " + name;
          case "queued" ->
              "volume "
                  + result.get("volume")
                  + " will be rolled back when the merge under way has ended";
          case "waiting" ->
              "volume "
                  + result.get("volume")
                  + " will be rolled back when nobody is logged in to it and no other merge or"
                  + " export runs; --now does not wait for the logout";
          default ->
              "volume " + result.get("volume") + " reads as " + name + " now; merging goes on";
        };
    if (server.json()) {
      print(server, result, "");
    } else {
      screen.line(text);
    }
    return 0;
  }

  @Command(
      name = "pause",
      description = "Pause a merge, also over a restart.",
      footer = {"", "Example:", "  anabranch snapshot pause vm1@before-upgrade"},
      mixinStandardHelpOptions = true)
  int pause(@Parameters(paramLabel = "VOLUME@NAME") String name, @Mixin ServerOption server)
      throws RefusedException {
    print(server, server.client().ask("snapshot pause", Map.of("name", name), p -> {}), "paused");
    return 0;
  }

  @Command(
      name = "resume",
      description = "Let a merge go on that was paused or has failed.",
      footer = {"", "Example:", "  anabranch snapshot resume vm1@before-upgrade"},
      mixinStandardHelpOptions = true)
  int resume(@Parameters(paramLabel = "VOLUME@NAME") String name, @Mixin ServerOption server)
      throws RefusedException {
    print(server, server.client().ask("snapshot resume", Map.of("name", name), p -> {}), "resumed");
    return 0;
  }
}
