// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.verbs.ImportEntry;
import org.anabranch.server.control.verbs.StatusVerb;
import org.anabranch.server.control.verbs.TargetEntry;
import org.anabranch.server.control.verbs.VolumeEntry;
import org.anabranch.server.control.verbs.snapshots.HookEntry;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.Sizes;
import org.anabranch.server.terminal.TextTable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code anabranch status}: what a server serves, and to whom. */
@Command(
    name = "status",
    description = "Show volumes, snapshots and sessions, and warn of what is wrong.",
    footer = {"", "Examples:", "  anabranch status", "  anabranch status --watch"},
    mixinStandardHelpOptions = true)
public final class StatusCommand implements Callable<Integer> {
  @Option(names = "--watch", description = "Again every second, until interrupted.")
  private boolean watch;

  @Mixin private ServerOption server = new ServerOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    Screen screen = Screen.on(out);
    do {
      StatusVerb.Result status = server.client().ask(StatusVerb.CALL, Nothing.NOTHING);
      if (watch && !server.json()) {
        screen.again();
      }
      server.print(status, all -> text(all, screen.columns()));
      if (watch) {
        TimeUnit.SECONDS.sleep(1);
      }
    } while (watch && !out.checkError());
    return 0;
  }

  private static String text(StatusVerb.Result status, int columns) {
    StringBuilder text = new StringBuilder();
    text.append("anabranch ").append(status.version()).append(", portals ");
    text.append(String.join(" ", status.portals()));
    text.append("\n\n")
        .append(
            status.volumes().isEmpty()
                ? VolumeCommand.NONE
                : volumes(status.volumes()).text(columns));
    text.append('\n')
        .append(
            status.targets().isEmpty()
                ? "there are no targets, and so nobody can log in; to make one: targets { } in the"
                    + " configuration file\n"
                : targets(status.targets()).text(columns));
    if (!status.snapshots().isEmpty()) {
      text.append('\n').append(SnapshotTable.of(status.snapshots()).text(columns));
    }
    if (!status.imports().isEmpty()) {
      text.append('\n').append(imports(status.imports()).text(columns));
    }
    if (!status.schedules().isEmpty()) {
      text.append('\n').append(SnapshotTable.schedules(status.schedules()).text(columns));
    }
    if (!status.hooks().isEmpty()) {
      text.append('\n').append(hooks(status.hooks()).text(columns));
    }
    text.append('\n')
        .append(
            status.sessions().isEmpty()
                ? "nobody is logged in\n"
                : SessionCommand.table(status.sessions()).text(columns));
    if (!status.warnings().isEmpty()) {
      text.append('\n');
      status.warnings().forEach(each -> text.append("WARNING: ").append(each).append('\n'));
    }
    return text.toString();
  }

  private static TextTable imports(List<ImportEntry> imports) {
    TextTable table = new TextTable("IMPORT INTO", "SNAPSHOT", "STATE");
    for (ImportEntry each : imports) {
      String snapshot = Objects.requireNonNullElse(each.snapshot(), "");
      String done = Sizes.bytes((double) each.doneBytes());
      long total = each.totalBytes();
      table.row(
          each.volume(),
          snapshot,
          total == 0
              ? done + " received"
              : "being written, " + done + " of " + Sizes.bytes((double) total));
    }
    return table;
  }

  private static TextTable hooks(List<HookEntry> hooks) {
    TextTable table = new TextTable("HOOK", "VOLUME", "RUNS", "FAILED", "TIMED OUT", "LAST");
    for (HookEntry each : hooks) {
      table.row(
          each.hook(),
          each.volume(),
          each.runs(),
          each.failures(),
          each.timeouts(),
          each.lastMillis() + " ms");
    }
    return table;
  }

  private static TextTable volumes(List<VolumeEntry> volumes) {
    TextTable table = new TextTable("VOLUME", "SIZE", "STORED", "FREE", "TABLE");
    for (VolumeEntry volume : volumes) {
      if (volume.state() == VolumeEntry.State.LEFT_OUT) {
        table.row(volume.name(), "", "", "", "left out");
        continue;
      }
      if (volume.state() == VolumeEntry.State.COPYING) {
        table.row(volume.name(), Sizes.exact(volume.bytes()), "", "", VolumeCommand.mode(volume));
        continue;
      }
      List<Object> cells =
          List.of(
              volume.name(),
              Sizes.exact(volume.bytes()),
              bytes(volume.allocatedBytes()),
              bytes(volume.freeBytes()));
      String state = volume.suspended() ? "SUSPENDED " : "";
      for (String line : volume.table().split("\n", -1)) {
        table.row(cells.get(0), cells.get(1), cells.get(2), cells.get(3), state + line);
        cells = List.of("", "", "", "");
      }
    }
    return table;
  }

  private static String bytes(@Nullable Long bytes) {
    return bytes == null ? "" : Sizes.bytes((double) bytes);
  }

  /** A line for each LUN; the target and who is logged in stand in its first. */
  private static TextTable targets(List<TargetEntry> targets) {
    TextTable table = new TextTable("LUN", "DEVICE", "TARGET", "LOGGED IN");
    for (TargetEntry target : targets) {
      String name = target.name();
      String users =
          target.initiators().isEmpty() ? "nobody" : String.join(" ", target.initiators());
      if (target.luns().isEmpty()) {
        table.row("-", "no LUNs", name, users);
      }
      for (TargetEntry.Lun lun : target.luns()) {
        String note = !lun.present() ? " (absent)" : lun.readOnly() ? " (read-only)" : "";
        table.row(lun.number(), lun.device() + note, name, users);
        name = "";
        users = "";
      }
    }
    return table;
  }
}
