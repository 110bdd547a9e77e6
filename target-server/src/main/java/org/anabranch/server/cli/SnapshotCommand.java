// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.anabranch.config.reader.DataSize;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.snapshots.MergeName;
import org.anabranch.server.control.verbs.snapshots.SnapshotCreateVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotDescribeVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotListVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotMergeVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotPauseVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotRemoveVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotRenameVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotResumeVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotThrottleVerb;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code anabranch snapshot}: a volume's snapshots. */
@Command(
    name = "snapshot",
    description = "Take snapshots of volumes, roll volumes back to them, export and remove them.",
    mixinStandardHelpOptions = true,
    subcommands = {
      SnapshotAdoptCommand.class,
      SnapshotDataCommands.Diff.class,
      SnapshotDataCommands.Export.class,
      SnapshotDataCommands.Import.class
    })
public final class SnapshotCommand extends CommandGroup {
  private static final Pattern TIME = Pattern.compile("(\\d{1,6}) ?(s|m|min|h)");

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
      @Option(
              names = "--description",
              paramLabel = "TEXT",
              description = "What it is for, in one line; snapshot list shows it.")
          @Nullable String description,
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
    SnapshotCreateVerb.Result taken =
        server
            .client()
            .ask(
                SnapshotCreateVerb.CALL,
                SnapshotCreateVerb.Arguments.of(
                    names,
                    chunkSize == null ? null : (Long) (bytes(chunkSize) / 512),
                    size == null ? null : (Long) bytes(size),
                    readOnly,
                    description),
                step -> server.notice(step.hook()));
    notice(server, taken.hookFailures());
    server.print(
        taken,
        result ->
            (names.size() == 1 ? "snapshot " : "snapshots ")
                + String.join(", ", names)
                + " taken\n");
    return 0;
  }

  /** Hooks that failed and did not stop the command. */
  private static void notice(ServerOption server, @Nullable List<String> hookFailures) {
    if (hookFailures != null) {
      hookFailures.forEach(server::notice);
    }
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
      aliases = "ls",
      description = "Show snapshots, all or a volume's.",
      footer = {"", "Example:", "  anabranch snapshot list vm1"},
      mixinStandardHelpOptions = true)
  int list(
      @Parameters(paramLabel = "VOLUME", arity = "0..1") @Nullable String volume,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        SnapshotListVerb.CALL,
        new SnapshotListVerb.Arguments(volume),
        result -> SnapshotTable.text(result, volume, Screen.on(server.out()).columns()));
  }

  @Command(
      name = "remove",
      aliases = {"rm", "delete"},
      description = "Remove a snapshot; the volume stays as it is now.",
      footer = {"", "Example:", "  anabranch snapshot remove vm1@before-upgrade"},
      mixinStandardHelpOptions = true)
  int remove(
      @Parameters(paramLabel = "VOLUME@NAME") String name,
      @Option(
              names = "--force",
              description =
                  "Also if initiators are logged in that see it as a LUN, if a rollback to it waits"
                      + " (which is cancelled), or if a rollback to it cannot go on because it is"
                      + " invalid.")
          boolean force,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        SnapshotRemoveVerb.CALL,
        new SnapshotRemoveVerb.Arguments(name, force),
        result -> "snapshot " + result.removed() + " removed\n");
  }

  @Command(
      name = "rename",
      description = {
        "Give a snapshot another name.",
        "Its contents and its disk's identity (WWID) stay. A LUN of the configuration "
            + "that names it is gone until the configuration has the new name."
      },
      footer = {"", "Example:", "  anabranch snapshot rename vm1@before-upgrade known-good"},
      mixinStandardHelpOptions = true)
  int rename(
      @Parameters(index = "0", paramLabel = "VOLUME@NAME") String name,
      @Parameters(index = "1", paramLabel = "NEW", description = "Without the volume.")
          String newName,
      @Option(
              names = "--force",
              description = "Also if initiators are logged in that see it as a LUN.")
          boolean force,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        SnapshotRenameVerb.CALL,
        new SnapshotRenameVerb.Arguments(name, newName, force),
        result -> "snapshot " + result.before() + " is " + result.name() + " now\n");
  }

  @Command(
      name = "describe",
      description = "Change what snapshot list says a snapshot is for; \"\" takes it away.",
      footer = {"", "Example:", "  anabranch snapshot describe vm1@monday \"before the upgrade\""},
      mixinStandardHelpOptions = true)
  int describe(
      @Parameters(index = "0", paramLabel = "VOLUME@NAME") String name,
      @Parameters(index = "1", paramLabel = "TEXT", description = "One line.") String text,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        SnapshotDescribeVerb.CALL,
        new SnapshotDescribeVerb.Arguments(name, text),
        result -> "snapshot " + result.name() + " described\n");
  }

  @Command(
      name = "merge",
      aliases = "rollback",
      description = {
        "Roll volumes back to snapshots.",
        "A volume reads as its snapshot at once; the blocks are merged back into it behind that. The"
            + " merge consumes the snapshot, which is gone at the end, unless --keep keeps it.",
        "It begins when nobody uses the volume. An initiator uses it from its login until it logs out;"
            + " the server waits for one whose connection is lost.",
        "Several volumes are rolled back at one instant, all of them or none, when nobody uses one"
            + " of them."
      },
      footer = {
        "",
        "Examples:",
        "  anabranch snapshot merge vm1@before-upgrade",
        "  anabranch snapshot merge vm1@before-upgrade --keep",
        "  anabranch snapshot merge vm1@before-upgrade --now --wait",
        "  anabranch snapshot merge vm1@monday vm2@monday",
        "  anabranch snapshot merge vm1@before-upgrade --on-next-login",
        "  anabranch snapshot merge vm1@before-upgrade --throttle 50MB/s"
      },
      mixinStandardHelpOptions = true)
  int merge(
      @Parameters(paramLabel = "VOLUME@NAME", arity = "1..*") List<String> names,
      @Option(
              names = "--keep",
              description =
                  "Keep the snapshot: it reads as before, now and later, and has an empty store."
                      + " Initiators that use it go on.")
          boolean keep,
      @Option(
              names = "--now",
              description =
                  "Begin although initiators are logged in, which get a unit attention. A file system"
                      + " that is mounted meanwhile is destroyed.")
          boolean now,
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
                  "Copy at most so much a second, such as 50MB/s, also after restarts; 0 or none: no"
                      + " limit. To change it later: snapshot throttle.")
          @Nullable String throttle,
      @Option(
              names = "--assume-gone",
              paramLabel = "INITIATOR",
              description =
                  "Do not wait for this initiator, which is cut off and will not come back; unknown"
                      + " stands for initiators that were not recorded.")
          @Nullable String assumeGone,
      @Option(names = "--wait", description = "Show how far it is; may be interrupted.")
          boolean wait,
      @Option(
              names = "--cancel",
              description =
                  "Cancel a rollback that waits to begin, with all that were requested together.")
          boolean cancel,
      @Mixin ServerOption server)
      throws RefusedException {
    boolean when = now || onNextLogin || assumeGone != null || throttle != null || keep;
    if (now && onNextLogin) {
      throw Usage.error(spec, "--now or --on-next-login, not both");
    }
    if (timeLimit != null && !onNextLogin) {
      throw Usage.error(spec, "--time-limit goes with --on-next-login");
    }
    if (cancel && (when || wait)) {
      throw Usage.error(spec, "--cancel goes with no other option");
    }
    if (onNextLogin && names.size() > 1) {
      throw Usage.error(
          spec, "--on-next-login takes one snapshot: initiators log in one after the other");
    }
    SnapshotMergeVerb.Arguments arguments =
        new SnapshotMergeVerb.Arguments(
            names,
            null,
            now,
            onNextLogin,
            timeLimit == null ? null : (Long) seconds(timeLimit),
            throttle == null ? null : (Long) rate(throttle),
            assumeGone,
            wait,
            cancel,
            keep);
    if (server.json()) {
      return server.show(SnapshotMergeVerb.CALL, arguments, result -> "");
    }
    Screen screen = Screen.on(server.out());
    if (wait) {
      screen.whenInterrupted("the rollback goes on; snapshot list shows how far it is");
    }
    try {
      Map<String, MergeBar> bars = new HashMap<>();
      SnapshotMergeVerb.Result result =
          server
              .client()
              .ask(
                  SnapshotMergeVerb.CALL,
                  arguments,
                  step ->
                      bars.computeIfAbsent(step.name(), name -> bar(screen, names, name))
                          .update(step));
      result.all().forEach(each -> screen.line(text(each)));
      for (SnapshotMergeVerb.Merged each : result.all()) {
        notice(server, each.hookFailures());
      }
    } finally {
      screen.whenInterrupted(null);
    }
    return 0;
  }

  private static MergeBar bar(Screen screen, List<String> names, String name) {
    return new MergeBar(screen, names.size() == 1 ? "" : name + ": ");
  }

  private static String text(SnapshotMergeVerb.Merged result) {
    String volume = "volume " + result.volume();
    return switch (result.phase()) {
      case READY -> volume + " will not be rolled back to " + result.name();
      case MERGED ->
          volume + " is rolled back to " + result.name() + (result.kept() ? ", which is kept" : "");
      case QUEUED ->
          volume
              + " will be rolled back when no other rollback of it and no export of "
              + result.name()
              + " runs";
      case WAITING -> WaitText.answer(result);
      case MERGING ->
          volume
              + " reads as "
              + result.name()
              + " now; the copying goes on in the background"
              + (result.kept() ? ", and the snapshot is kept" : "");
    };
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
      name = "throttle",
      description = {
        "Limit the speed of a rollback that runs or waits to begin, also after restarts.",
        "It does not begin one."
      },
      footer = {
        "",
        "Examples:",
        "  anabranch snapshot throttle vm1@before-upgrade 50MB/s",
        "  anabranch snapshot throttle vm1@before-upgrade none"
      },
      mixinStandardHelpOptions = true)
  int throttle(
      @Parameters(index = "0", paramLabel = "VOLUME@NAME") String name,
      @Parameters(
              index = "1..*",
              arity = "1..*",
              paramLabel = "RATE",
              description = "Such as 50MB/s or 8 MiB/s; a number is bytes a second; none or 0.")
          List<String> rate,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        SnapshotThrottleVerb.CALL,
        new SnapshotThrottleVerb.Arguments(name, rate(String.join(" ", rate))),
        result ->
            result.bytesPerSecond() == 0
                ? "no limit\n"
                : "at most " + Sizes.bytes((double) result.bytesPerSecond()) + "/s\n");
  }

  @Command(
      name = "pause",
      description = "Pause the copying of a rollback; it stays paused over a restart.",
      footer = {"", "Example:", "  anabranch snapshot pause vm1@before-upgrade"},
      mixinStandardHelpOptions = true)
  int pause(@Parameters(paramLabel = "VOLUME@NAME") String name, @Mixin ServerOption server)
      throws RefusedException {
    return server.show(SnapshotPauseVerb.CALL, new MergeName(name), result -> "paused\n");
  }

  @Command(
      name = "resume",
      description = "Continue a rollback that was paused or has failed.",
      footer = {"", "Example:", "  anabranch snapshot resume vm1@before-upgrade"},
      mixinStandardHelpOptions = true)
  int resume(@Parameters(paramLabel = "VOLUME@NAME") String name, @Mixin ServerOption server)
      throws RefusedException {
    return server.show(SnapshotResumeVerb.CALL, new MergeName(name), result -> "resumed\n");
  }
}
