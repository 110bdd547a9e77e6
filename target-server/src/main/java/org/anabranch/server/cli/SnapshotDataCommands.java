// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.control.RecordJson;
import org.anabranch.server.control.verbs.snapshots.SnapshotDiffVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotExportVerb;
import org.anabranch.server.exports.DeltaImport;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The commands of {@code anabranch snapshot} that take data out of a snapshot. */
final class SnapshotDataCommands {
  private SnapshotDataCommands() {}

  /** {@code snapshot diff}. */
  @Command(
      name = "diff",
      description = {
        "Show which extents changed since the snapshot was taken.",
        "One line for each, ascending: offset and length in bytes. With --extents, and",
        "with --json, also whether the snapshot has data there, or zeros for certain,",
        "which a backup need not read.",
      },
      footer = {
        "",
        "Examples:",
        "  anabranch snapshot diff vm1@tuesday --since vm1@monday",
        "  anabranch snapshot diff vm1@tuesday --since vm1@monday --extents"
      },
      mixinStandardHelpOptions = true)
  static final class Diff implements Callable<Integer> {
    @Parameters(paramLabel = "VOLUME@NAME")
    private String name = "";

    @Option(
        names = "--since",
        paramLabel = "VOLUME@OLDER",
        description = "Compare with an older snapshot instead of the volume as it is now.")
    private @Nullable String since;

    @Option(names = "--extents", description = "Three columns: OFFSET LENGTH data|zero.")
    private boolean typed;

    @Mixin private ServerOption server = new ServerOption();

    @Override
    public Integer call() throws RefusedException {
      PrintWriter out = server.out();
      SnapshotDiffVerb.Arguments arguments =
          new SnapshotDiffVerb.Arguments(name, since, typed || server.json());
      if (!server.json()) {
        server
            .client()
            .ask(
                SnapshotDiffVerb.CALL,
                arguments,
                part -> {
                  part.extents().forEach(each -> out.println(line(each)));
                  out.flush();
                });
        return 0;
      }
      // A list of any length, printed while it comes; nothing when it is refused at once.
      String[] separator = {"{\"extents\":[\n  "};
      SnapshotDiffVerb.Result result =
          server
              .client()
              .ask(
                  SnapshotDiffVerb.CALL,
                  arguments,
                  part -> {
                    for (SnapshotDiffVerb.Extent each : part.extents()) {
                      out.print(separator[0]);
                      out.print(Json.line(RecordJson.write(each)));
                      separator[0] = ",\n  ";
                    }
                  });
      if (separator[0].startsWith("{")) {
        out.print("{\"extents\":[");
      }
      out.println("],\n" + Json.line(RecordJson.write(result)).substring(1));
      out.flush();
      return 0;
    }

    private static String line(SnapshotDiffVerb.Extent extent) {
      String type = extent.type() == null ? "" : " " + RecordJson.constant(extent.type());
      return extent.offset() + " " + extent.length() + type;
    }
  }

  /** {@code snapshot export}. */
  @Command(
      name = "export",
      description = {
        "Write a snapshot to a file while the volume is in use.",
        "The file is a sparse raw image, or with --changed or --since only the extents",
        "that changed, for snapshot import. It appears when it is complete; an export",
        "that is interrupted leaves nothing behind. Until then it is FILE.part, which",
        "must not exist. Only the server's user may read it (mode 0600).",
        "For FILE - the snapshot goes to standard output as a stream, for volume import",
        "on this or another server: all of it, or with --since what changed.",
      },
      footer = {
        "",
        "Exit status: 0 it is complete, 1 it is not. What was written of a stream until",
        "then is refused by volume import. In a shell, set -o pipefail tells of both ends.",
        "",
        "Examples:",
        "  anabranch snapshot export vm1@monday /backup/vm1.img",
        "  anabranch snapshot export vm1@tuesday /backup/vm1.delta --since vm1@monday",
        "  anabranch snapshot export vm1@monday - | ssh host2 anabranch volume import vm1 -"
      },
      mixinStandardHelpOptions = true)
  static final class Export implements Callable<Integer> {
    @Parameters(paramLabel = "VOLUME@NAME")
    private String name = "";

    @Parameters(
        paramLabel = "FILE",
        description = "Written by the server, as its user; - for standard output.")
    private Path file = Path.of("");

    @Option(
        names = "--changed",
        description = "What turns the volume as it is now into the snapshot.")
    private boolean changed;

    @Option(
        names = "--since",
        paramLabel = "VOLUME@OLDER",
        description = "What turns an image of an older snapshot into this one.")
    private @Nullable String since;

    @Option(
        names = "--force",
        description = "Replace an existing regular file; never one that is in use.")
    private boolean force;

    @Mixin private ServerOption server = new ServerOption();

    @Spec private CommandSpec spec;

    @Override
    public Integer call() throws RefusedException {
      if (changed && since != null) {
        throw Usage.error(spec, "--changed or --since, not both");
      }
      if (file.toString().equals("-")) {
        if (changed || force || server.json()) {
          throw Usage.error(spec, "--changed, --force and --json are not for standard output");
        }
        return new StreamCommands(server).export(name, since);
      }
      Screen screen = Screen.on(server.out());
      DataBar bar = new DataBar(screen, server.json());
      SnapshotExportVerb.Result result =
          server
              .client()
              .ask(
                  SnapshotExportVerb.CALL,
                  new SnapshotExportVerb.Arguments(
                      name, file.toAbsolutePath().normalize(), changed, since, force),
                  state -> bar.update(state.doneBytes(), state.totalBytes()));
      if (server.json()) {
        server.print(result, each -> "");
      } else {
        screen.line(
            name
                + " exported to "
                + file
                + ": "
                + Sizes.bytes((double) result.storedBytes())
                + " of "
                + Sizes.bytes((double) result.bytes())
                + ", readable by its owner only");
      }
      return 0;
    }
  }

  /** {@code snapshot import}. */
  @Command(
      name = "import",
      description = {
        "Apply a file of changed extents to a raw image or block device that nobody uses.",
        "All of the file is checked before anything is written. An import that was",
        "interrupted is completed by running it again.",
      },
      footer = {"", "Example:", "  anabranch snapshot import /backup/vm1.delta /backup/vm1.img"},
      mixinStandardHelpOptions = true)
  static final class Import implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "From snapshot export --changed or --since.")
    private Path file = Path.of("");

    @Parameters(paramLabel = "IMAGE", description = "What it is applied to.")
    private Path image = Path.of("");

    @Option(names = "--json", description = "Print the answer as JSON.")
    private boolean json;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() throws RefusedException {
      Screen screen = Screen.on(spec.commandLine().getOut());
      DataBar bar = new DataBar(screen, json);
      long total = total();
      DeltaImport.Result result = new DeltaImport(file, image).run(done -> bar.update(done, total));
      if (json) {
        spec.commandLine()
            .getOut()
            .print(
                Json.pretty(
                    Map.of(
                        "file",
                        file.toString(),
                        "image",
                        image.toString(),
                        "changed-bytes",
                        result.changed(),
                        "bytes",
                        result.bytes())));
        spec.commandLine().getOut().flush();
      } else {
        screen.line(file + " applied to " + image + ": " + Sizes.bytes((double) result.changed()));
      }
      return 0;
    }

    /** It is read twice. */
    private long total() throws RefusedException {
      try {
        return 2 * Files.size(file);
      } catch (IOException e) {
        throw new RefusedException(StateDirectory.reason(e), e);
      }
    }
  }
}
