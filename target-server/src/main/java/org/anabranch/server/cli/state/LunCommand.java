// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli.state;

import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.cli.CommandGroup;
import org.anabranch.server.cli.ServerOption;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.verbs.luns.LunAddVerb;
import org.anabranch.server.control.verbs.luns.LunListVerb;
import org.anabranch.server.control.verbs.luns.LunRemoveVerb;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.TextTable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code anabranch lun}: what targets show. */
@Command(
    name = "lun",
    description = "Show LUNs, and add or remove them while the server runs.",
    mixinStandardHelpOptions = true)
public final class LunCommand extends CommandGroup {
  /** What is printed in place of an empty table. */
  private static final String NONE =
      "there are no LUNs; to add one to a target of the configuration file: anabranch lun add"
          + " TARGET NUMBER VOLUME\n";

  @Command(
      name = "add",
      description = {
        "Show a volume, device or snapshot as a LUN of a target that is configured.",
        "Initiators that are logged in are notified; Linux needs a rescan (iscsiadm -m "
            + "session --rescan).",
        "The LUN comes back at each start; the configuration file wins where both have "
            + "the number."
      },
      footer = {
        "",
        "Examples:",
        "  anabranch lun add iqn.2026-11.org.example:vm1 3 vm4",
        "  anabranch lun add iqn.2026-11.org.example:vm1 4 vm1@monday --read-only"
      },
      mixinStandardHelpOptions = true)
  int add(
      @Parameters(index = "0", paramLabel = "TARGET") String target,
      @Parameters(index = "1", paramLabel = "NUMBER", description = "0 to 16383.") int number,
      @Parameters(
              index = "2",
              paramLabel = "DEVICE",
              description = "A volume, a device, or VOLUME@NAME.")
          String device,
      @Option(names = "--read-only", description = "Initiators cannot write by this LUN.")
          boolean readOnly,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        LunAddVerb.CALL,
        new LunAddVerb.Arguments(target, number, device, readOnly),
        result -> "LUN " + number + " of " + target + " is " + device + " now\n");
  }

  @Command(
      name = "remove",
      aliases = {"rm", "delete"},
      description = {
        "Take a LUN away that lun add added.",
        "Refused while an initiator is logged in that sees it."
      },
      footer = {"", "Example:", "  anabranch lun remove iqn.2026-11.org.example:vm1 3"},
      mixinStandardHelpOptions = true)
  int remove(
      @Parameters(index = "0", paramLabel = "TARGET") String target,
      @Parameters(index = "1", paramLabel = "NUMBER") int number,
      @Option(names = "--force", description = "Also under initiators that see it.") boolean force,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        LunRemoveVerb.CALL,
        new LunRemoveVerb.Arguments(target, number, force),
        result -> "LUN " + number + " of " + target + " (" + result.device() + ") removed\n");
  }

  @Command(
      name = "list",
      aliases = "ls",
      description = "Show the LUNs of all targets.",
      footer = {"", "Example:", "  anabranch lun list"},
      mixinStandardHelpOptions = true)
  int list(@Mixin ServerOption server) throws RefusedException {
    return server.show(
        LunListVerb.CALL,
        Nothing.NOTHING,
        result ->
            result.luns().isEmpty()
                ? NONE
                : table(result.luns()).text(Screen.on(server.out()).columns()));
  }

  private static TextTable table(List<LunListVerb.Lun> luns) {
    TextTable table = new TextTable("TARGET", "LUN", "DEVICE", "MODE", "BY");
    for (LunListVerb.Lun lun : luns) {
      table.row(
          lun.target(),
          lun.number(),
          lun.device(),
          lun.present() ? lun.readOnly() ? "ro" : "rw" : "absent",
          lun.runTime() ? "lun add" : "configuration");
    }
    return table;
  }
}
