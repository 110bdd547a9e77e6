// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.anabranch.block.dm.TableLine;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.cli.dm.DmColumns;
import org.anabranch.server.cli.dm.DmText;
import org.anabranch.server.cli.dm.DmTree;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.verbs.dm.DmClearVerb;
import org.anabranch.server.control.verbs.dm.DmCreateVerb;
import org.anabranch.server.control.verbs.dm.DmDepsVerb;
import org.anabranch.server.control.verbs.dm.DmInfoVerb;
import org.anabranch.server.control.verbs.dm.DmLoadVerb;
import org.anabranch.server.control.verbs.dm.DmLsVerb;
import org.anabranch.server.control.verbs.dm.DmMessageVerb;
import org.anabranch.server.control.verbs.dm.DmRemoveAllVerb;
import org.anabranch.server.control.verbs.dm.DmRemoveVerb;
import org.anabranch.server.control.verbs.dm.DmRenameVerb;
import org.anabranch.server.control.verbs.dm.DmResumeVerb;
import org.anabranch.server.control.verbs.dm.DmRowsVerb;
import org.anabranch.server.control.verbs.dm.DmSuspendVerb;
import org.anabranch.server.control.verbs.dm.DmTargetsVerb;
import org.anabranch.server.control.verbs.dm.DmWaitVerb;
import org.anabranch.server.control.verbs.dm.DmWipeTableVerb;
import org.anabranch.server.control.verbs.dm.Names;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code anabranch dm}: dmsetup for the server's devices. */
@Command(
    name = "dm",
    description = "Look at and change the server's mapped devices, as dmsetup does.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "A device that create made is there again after a restart, with its live table.",
      "There is no node for a device's major and minor number: they only tell it apart."
    })
public final class DmCommand extends CommandGroup {
  /** Of the words of a table's row: start, length and type come before. */
  private static final int ARGUMENTS = 3;

  private static final String TABLE_FILE =
      "The table's file; without it and --table standard input.";

  @Command(
      name = "ls",
      aliases = "list",
      description = "Show the names of all devices.",
      footer = {"", "Examples:", "  anabranch dm ls --target snapshot", "  anabranch dm ls --tree"},
      mixinStandardHelpOptions = true)
  int ls(
      @Option(names = "--target", paramLabel = "TYPE", description = "Only with such a target.")
          @Nullable String target,
      @Option(names = "--tree", description = "Show what each stands on.") boolean tree,
      @Mixin ServerOption server)
      throws RefusedException {
    if (tree && target != null) {
      throw Usage.error(spec, "--tree or --target, not both");
    }
    if (tree) {
      return server.show(DmDepsVerb.CALL, new DmDepsVerb.Arguments(List.of()), DmTree::of);
    }
    DmLsVerb.Result result = server.client().ask(DmLsVerb.CALL, new DmLsVerb.Arguments(target));
    server.print(result, DmText::ls);
    if (result.devices().isEmpty() && !server.json()) {
      server.notice("to make one: anabranch dm create NAME --table TABLE");
    }
    return 0;
  }

  @Command(
      name = "deps",
      description = {
        "Show the devices that live tables name, by major and minor number.",
        "A file has no numbers here: its path is shown."
      },
      footer = {"", "Example:", "  anabranch dm deps -o devname vm1"},
      mixinStandardHelpOptions = true)
  int deps(
      @Parameters(paramLabel = "NAME", arity = "0..*") @Nullable List<String> names,
      @Option(
              names = "-o",
              paramLabel = "FORM",
              defaultValue = "devno",
              description = "devno, or devname or blkdevname for names; ${DEFAULT-VALUE}.")
          String form,
      @Mixin ServerOption server)
      throws RefusedException {
    if (!form.matches("devno|devname|blkdevname")) {
      throw Usage.error(spec, "-o: devno, devname or blkdevname, not " + form);
    }
    List<String> devices = orNone(names);
    return server.show(
        DmDepsVerb.CALL,
        new DmDepsVerb.Arguments(devices),
        result -> DmText.deps(result, devices, !form.equals("devno")));
  }

  @Command(
      name = "targets",
      description = "Show the types of targets that tables can name.",
      footer = {"", "Example:", "  anabranch dm targets"},
      mixinStandardHelpOptions = true)
  int targets(@Mixin ServerOption server) throws RefusedException {
    return server.show(DmTargetsVerb.CALL, Nothing.NOTHING, DmText::targets);
  }

  @Command(
      name = "table",
      description = "Show tables, of all devices or of some.",
      footer = {"", "Example:", "  anabranch dm table vm1"},
      mixinStandardHelpOptions = true)
  int table(
      @Parameters(paramLabel = "NAME", arity = "0..*") @Nullable List<String> names,
      @Option(names = "--inactive", description = "The one that was loaded and not resumed.")
          boolean inactive,
      @Option(names = "--target", paramLabel = "TYPE", description = "Only such targets.")
          @Nullable String target,
      @Mixin ServerOption server)
      throws RefusedException {
    List<String> devices = orNone(names);
    return server.show(
        DmRowsVerb.TABLE,
        new DmRowsVerb.TableArguments(devices, inactive, target),
        result -> DmText.rows(result, devices));
  }

  @Command(
      name = "status",
      description = "Show what targets tell, of all devices or of some.",
      footer = {"", "Example:", "  anabranch dm status vm1"},
      mixinStandardHelpOptions = true)
  int status(
      @Parameters(paramLabel = "NAME", arity = "0..*") @Nullable List<String> names,
      @Option(names = "--target", paramLabel = "TYPE", description = "Only such targets.")
          @Nullable String target,
      @Option(
              names = "--noflush",
              description = "For scripts of dmsetup: no target here flushes for its status.")
          boolean noflush,
      @Mixin ServerOption server)
      throws RefusedException {
    List<String> devices = orNone(names);
    return server.show(
        DmRowsVerb.STATUS,
        new DmRowsVerb.StatusArguments(devices, target),
        result -> DmText.rows(result, devices));
  }

  @Command(
      name = "info",
      description = "Show the state of all devices or of some.",
      footer = {
        "",
        "Fields: name, major, minor, attr, open, segments, events, uuid.",
        "",
        "Examples:",
        "  anabranch dm info vm1",
        "  anabranch dm info -c --noheadings -o name,attr"
      },
      mixinStandardHelpOptions = true)
  int info(
      @Parameters(paramLabel = "NAME", arity = "0..*") @Nullable List<String> names,
      @Option(
              names = {"-c", "-C", "--columns"},
              description = "A line for each device, in columns.")
          boolean columns,
      @Option(
              names = "-o",
              paramLabel = "FIELDS",
              description = "With -c: these columns; a + in front adds them to the standard ones.")
          @Nullable String fields,
      @Option(names = "--noheadings", description = "With -c: without the line of headings.")
          boolean noHeadings,
      @Mixin ServerOption server)
      throws RefusedException {
    if (!columns && (fields != null || noHeadings)) {
      throw Usage.error(spec, "-o and --noheadings are for -c");
    }
    if (columns) {
      DmColumns wanted = columns(fields == null ? "" : fields);
      return server.show(
          DmInfoVerb.CALL,
          new DmInfoVerb.Arguments(orNone(names)),
          result -> wanted.text(result.devices(), !noHeadings));
    }
    return server.show(DmInfoVerb.CALL, new DmInfoVerb.Arguments(orNone(names)), DmText::info);
  }

  @Command(
      name = "create",
      description = "Make a device, and resume it with a table.",
      footer = {"", "Example:", "  anabranch dm create d --table \"0 2048 linear vm1 0\""},
      mixinStandardHelpOptions = true)
  int create(
      @Parameters(index = "0", paramLabel = "NAME") String name,
      @Parameters(index = "1", arity = "0..1", paramLabel = "FILE", description = TABLE_FILE)
          @Nullable Path file,
      @Option(names = "--table", paramLabel = "TABLE", description = "The table itself.")
          @Nullable String table,
      @Option(
              names = {"-n", "--notable"},
              description = "Without a table; load comes later.")
          boolean noTable,
      @Option(
              names = {"-r", "--readonly"},
              description = "Writes to it fail; a LUN of it is write-protected.")
          boolean readOnly,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        DmCreateVerb.CALL,
        new DmCreateVerb.Arguments(name, noTable ? null : table(table, file), readOnly),
        DmText::done);
  }

  @Command(
      name = "load",
      aliases = "reload",
      description = "Give a device a table for the next resume.",
      footer = {"", "Example:", "  anabranch dm load d --table \"0 4096 linear vm1 0\""},
      mixinStandardHelpOptions = true)
  int load(
      @Parameters(index = "0", paramLabel = "NAME") String name,
      @Parameters(index = "1", arity = "0..1", paramLabel = "FILE", description = TABLE_FILE)
          @Nullable Path file,
      @Option(names = "--table", paramLabel = "TABLE", description = "The table itself.")
          @Nullable String table,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        DmLoadVerb.CALL, new DmLoadVerb.Arguments(name, table(table, file)), DmText::done);
  }

  @Command(
      name = "clear",
      description = "Drop tables that were loaded and not resumed.",
      footer = {"", "Example:", "  anabranch dm clear d"},
      mixinStandardHelpOptions = true)
  int clear(
      @Parameters(paramLabel = "NAME", arity = "1..*") List<String> names,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(DmClearVerb.CALL, new Names(names), DmText::done);
  }

  @Command(
      name = "suspend",
      description = "Let new requests wait.",
      footer = {"", "Example:", "  anabranch dm suspend d"},
      mixinStandardHelpOptions = true)
  int suspend(
      @Parameters(paramLabel = "NAME", arity = "1..*") List<String> names,
      @Option(
              names = "--noflush",
              description = {
                "For scripts of dmsetup. Requests in flight end in either case, and new ones wait: no",
                "target here holds requests back that a flush would wait for."
              })
          boolean noflush,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        DmSuspendVerb.CALL, new DmSuspendVerb.Arguments(names, noflush), DmText::done);
  }

  @Command(
      name = "resume",
      description = "Take the loaded table, and let requests flow.",
      footer = {"", "Example:", "  anabranch dm resume d"},
      mixinStandardHelpOptions = true)
  int resume(
      @Parameters(paramLabel = "NAME", arity = "1..*") List<String> names,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(DmResumeVerb.CALL, new Names(names), DmText::done);
  }

  @Command(
      name = "rename",
      description = "Give a device another name.",
      footer = {"", "Example:", "  anabranch dm rename d e"},
      mixinStandardHelpOptions = true)
  int rename(
      @Parameters(index = "0", paramLabel = "NAME") String name,
      @Parameters(index = "1", paramLabel = "NEWNAME") String newName,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(DmRenameVerb.CALL, new DmRenameVerb.Arguments(name, newName), DmText::done);
  }

  @Command(
      name = "remove",
      aliases = {"rm", "delete"},
      description = "Remove devices that nobody uses.",
      footer = {"", "Example:", "  anabranch dm remove d"},
      mixinStandardHelpOptions = true)
  int remove(
      @Parameters(paramLabel = "NAME", arity = "1..*") List<String> names,
      @Option(
              names = {"-f", "--force"},
              description = "Let all requests of a device in use fail from now on; it stays.")
          boolean force,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(DmRemoveVerb.CALL, new DmRemoveVerb.Arguments(names, force), DmText::done);
  }

  @Command(
      name = "remove_all",
      description = {
        "Remove all devices that create made and nobody uses.",
        "Volumes, configured devices and snapshots stay."
      },
      footer = {"", "Example:", "  anabranch dm remove_all"},
      mixinStandardHelpOptions = true)
  int removeAll(
      @Option(
              names = {"-f", "--force"},
              description = "Let all requests of those in use fail from now on; they stay.")
          boolean force,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(DmRemoveAllVerb.CALL, new DmRemoveAllVerb.Arguments(force), DmText::done);
  }

  @Command(
      name = "wipe_table",
      description = {
        "Let all requests of devices fail from now on.",
        "Their tables are replaced, and what they stood on is let go. For devices that create made."
      },
      footer = {"", "Example:", "  anabranch dm wipe_table d"},
      mixinStandardHelpOptions = true)
  int wipeTable(
      @Parameters(paramLabel = "NAME", arity = "1..*") List<String> names,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(DmWipeTableVerb.CALL, new Names(names), DmText::done);
  }

  @Command(
      name = "wait",
      description = "Wait for an event: a merge that ended, for instance.",
      footer = {"", "Example:", "  anabranch dm wait vm1 4"},
      mixinStandardHelpOptions = true)
  int await(
      @Parameters(index = "0", paramLabel = "NAME") String name,
      @Parameters(
              index = "1",
              arity = "0..1",
              paramLabel = "EVENT",
              defaultValue = "0",
              description = "For a number above this one, as info shows it; ${DEFAULT-VALUE}.")
          String event,
      @Option(
              names = {"-v", "--verbose"},
              description = "Then show what info does.")
          boolean verbose,
      @Mixin ServerOption server)
      throws RefusedException {
    if (!event.matches("[0-9]{1,18}")) {
      throw Usage.error(
          spec, "EVENT '" + event + "' is no event number: a whole number, as dm info shows it");
    }
    long seen = Long.parseLong(event);
    int status = server.show(DmWaitVerb.CALL, new DmWaitVerb.Arguments(name, seen), result -> "");
    return verbose && !server.json()
        ? server.show(DmInfoVerb.CALL, new DmInfoVerb.Arguments(List.of(name)), DmText::info)
        : status;
  }

  @Command(
      name = "message",
      description = "Tell a target something.",
      footer = {
        "",
        "Messages of snapshot-merge: pause, resume, throttle BYTES (a second; 0: no limit),",
        "batch BYTES, progress. The manual page of each target has all of its messages.",
        "",
        "Examples:",
        "  anabranch dm message vm1 0 progress",
        "  anabranch dm message vm1 0 throttle 50000000"
      },
      mixinStandardHelpOptions = true)
  int message(
      @Parameters(index = "0", paramLabel = "NAME") String name,
      @Parameters(index = "1", paramLabel = "SECTOR", description = "Where the target is.")
          long sector,
      @Parameters(index = "2..*", arity = "1..*", paramLabel = "WORD") List<String> message,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        DmMessageVerb.CALL, new DmMessageVerb.Arguments(name, sector, message), DmText::reply);
  }

  private DmColumns columns(String fields) {
    try {
      return DmColumns.of(fields);
    } catch (IllegalArgumentException e) {
      throw Usage.error(spec, String.valueOf(e.getMessage()));
    }
  }

  private static List<String> orNone(@Nullable List<String> names) {
    return names == null ? List.of() : names;
  }

  private String table(@Nullable String table, @Nullable Path file) throws RefusedException {
    if (table != null && file != null) {
      throw Usage.error(spec, "--table or FILE, not both");
    }
    try {
      return absolute(
          table != null
              ? table
              : file != null
                  ? Files.readString(file)
                  : new String(System.in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new RefusedException("the table cannot be read: " + StateDirectory.reason(e), e);
    }
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
}
