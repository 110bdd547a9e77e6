// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.anabranch.config.reader.DataSize;
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
  private static final Pattern TIME = Pattern.compile("(\\d{1,6}) ?(s|m|min|h)");
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
      description = {
        "Take a snapshot; nothing stops, nobody logs out.",
        "Several volumes are taken at one instant: all of them, or none."
      },
      footer = {
        "",
        "Examples:",
        "  anabranch snapshot create vm1@before-upgrade",
        "  anabranch snapshot create vm1@monday vm2@monday",
        "  anabranch snapshot create vm1@small --size \"2 GiB\" --read-only"
      },
      mixinStandardHelpOptions = true)
  int create(
      @Parameters(paramLabel = "VOLUME@NAME", arity = "1..*") List<String> names,
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
    for (String name : names) {
      if (name.indexOf('@') <= 0) {
        throw Usage.error(spec, "not VOLUME@NAME: " + name);
      }
    }
    if (writable && readOnly) {
      throw Usage.error(spec, "--writable or --read-only, not both");
    }
    Map<String, Object> arguments = new LinkedHashMap<>();
    arguments.put("names", names);
    arguments.put("read-only", readOnly);
    if (size != null) {
      arguments.put("size", bytes(size));
    }
    if (chunkSize != null) {
      arguments.put("chunk-sectors", bytes(chunkSize) / 512);
    }
    Map<String, Object> result = server.client().ask("snapshot create", arguments, p -> {});
    print(
        server,
        result,
        (names.size() == 1 ? "snapshot " : "snapshots ") + String.join(", ", names) + " taken");
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
              : snapshot.get("waits-for") != null
                  ? "waits " + WaitText.line(snapshot)
                  : used(String.valueOf(snapshot.get("status"))));
    }
    return table;
  }

  /** What device-mapper tells in sectors, in the form that people read; another status as it is. */
  private static String used(String status) {
    if (status.isEmpty()) {
      return "not served";
    }
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
        "It begins when nobody uses the volume. An initiator uses it from its login until it logs out:"
            + " one whose connection is lost is waited for.",
        "The snapshot is gone at the end."
      },
      footer = {
        "",
        "Examples:",
        "  anabranch snapshot merge vm1@before-upgrade",
        "  anabranch snapshot merge vm1@before-upgrade --now --wait",
        "  anabranch snapshot merge vm1@before-upgrade --on-next-login",
        "  anabranch snapshot merge vm1@before-upgrade --throttle 50MB/s"
      },
      mixinStandardHelpOptions = true)
  int merge(
      @Parameters(paramLabel = "VOLUME@NAME") String name,
      @Option(names = "--now", description = "Begin under initiators; they are told.") boolean now,
      @Option(
              names = "--on-next-login",
              description =
                  "Begin at the next login of the initiator that uses the volume, before anything is"
                      + " read: for a host that is rebooted now.")
          boolean onNextLogin,
      @Option(
              names = "--time-limit",
              paramLabel = "TIME",
              description = "How long --on-next-login holds, such as 10min; 15min.")
          @Nullable String timeLimit,
      @Option(
              names = "--throttle",
              paramLabel = "RATE",
              description =
                  "Merge at most so much a second, such as 50MB/s, also over restarts; 0 or none lifts"
                      + " the bound. Goes for a merge that runs, too.")
          @Nullable String throttle,
      @Option(
              names = "--assume-gone",
              paramLabel = "INITIATOR",
              description =
                  "Do not wait for this initiator, which is cut off and will not come back; unknown"
                      + " stands for those that are not recorded.")
          @Nullable String assumeGone,
      @Option(names = "--wait", description = "Show how far it is; may be interrupted.")
          boolean wait,
      @Option(names = "--cancel", description = "Take back one that waits to begin.")
          boolean cancel,
      @Mixin ServerOption server)
      throws RefusedException {
    boolean when = now || onNextLogin || assumeGone != null || throttle != null;
    if (now && onNextLogin) {
      throw Usage.error(spec, "--now or --on-next-login, not both");
    }
    if (timeLimit != null && !onNextLogin) {
      throw Usage.error(spec, "--time-limit goes with --on-next-login");
    }
    if (cancel && (when || wait)) {
      throw Usage.error(spec, "--cancel goes with no other option");
    }
    Screen screen = Screen.on(spec.commandLine().getOut());
    MergeBar bar = new MergeBar(screen, "");
    Thread interrupted =
        new Thread(() -> screen.line("the merge goes on; snapshot list tells how far it is"));
    if (wait && !server.json()) {
      Runtime.getRuntime().addShutdownHook(interrupted);
    }
    Map<String, Object> arguments = new LinkedHashMap<>();
    arguments.put("name", name);
    arguments.put("now", now);
    arguments.put("on-next-login", onNextLogin);
    arguments.put("wait", wait);
    arguments.put("cancel", cancel);
    if (timeLimit != null) {
      arguments.put("time-limit-seconds", seconds(timeLimit));
    }
    if (throttle != null) {
      arguments.put("throttle", rate(throttle));
    }
    if (assumeGone != null) {
      arguments.put("assume-gone", assumeGone);
    }
    Map<String, Object> result;
    try {
      result =
          server.client().ask("snapshot merge", arguments, server.json() ? p -> {} : bar::update);
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
          case "waiting" -> WaitText.answer(name, result);
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

  private long rate(String text) {
    if (text.equals("none") || text.equals("0")) {
      return 0;
    }
    Long bytes = DataSize.parse(text.replaceFirst("/s$", ""));
    if (bytes == null || bytes < 4096) {
      throw Usage.error(spec, "not a rate: " + text + "; such as 50MB/s or 8 MiB/s, 0 or none");
    }
    return bytes;
  }

  private long seconds(String text) {
    Matcher time = TIME.matcher(text);
    if (!time.matches()) {
      throw Usage.error(spec, "not a time: " + text + "; such as 90s, 10min or 2h");
    }
    long number = Long.parseLong(time.group(1));
    return switch (time.group(2)) {
      case "h" -> number * 3600;
      case "min", "m" -> number * 60;
      default -> number;
    };
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
