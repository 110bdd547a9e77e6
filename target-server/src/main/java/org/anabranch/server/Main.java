// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.server.commands.DmCommand;
import org.anabranch.server.commands.ReloadCommand;
import org.anabranch.server.commands.SessionCommand;
import org.anabranch.server.commands.SnapshotCommand;
import org.anabranch.server.commands.StatusCommand;
import org.anabranch.server.commands.VolumeCommand;
import org.anabranch.server.demo.DemoCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The {@code anabranch} command. Each subcommand is a class of its own in this package, named in
 * the list below. Exit status: 0 done, 1 refused or failed, 2 usage or a bad configuration file.
 */
@Command(
    name = "anabranch",
    description = "An iSCSI target server with snapshots that merge back under a live initiator.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
      ServeCommand.class,
      CheckCommand.class,
      DemoCommand.class,
      StatusCommand.class,
      ReloadCommand.class,
      VolumeCommand.class,
      SnapshotCommand.class,
      SessionCommand.class,
      DmCommand.class
    })
public final class Main implements Runnable {
  private static final int REFUSED = 1;
  private static final int BAD_CONFIGURATION = 2;

  @Spec private CommandSpec spec;

  private Main() {}

  /** Runs one command and ends the process with its exit status. */
  public static void main(String[] args) {
    // By name, since jSCSI's jar brings a logback-test.xml of its own, which would win.
    System.setProperty("logback.configurationFile", "org/anabranch/server/logging.xml");
    System.exit(commandLine().execute(args));
  }

  /** The whole command line, for {@link #main} and for tests, which must not end the process. */
  static CommandLine commandLine() {
    return new CommandLine(new Main()).setExecutionExceptionHandler(Main::failed);
  }

  /** A user's mistake is told in lines of its own; a fault of ours keeps its stack trace. */
  private static int failed(Exception e, CommandLine command, CommandLine.ParseResult parsed)
      throws Exception {
    if (e instanceof InvalidConfigurationException) {
      command.getErr().println(e.getMessage());
      return BAD_CONFIGURATION;
    }
    if (e instanceof RefusedException) {
      command.getErr().println("anabranch: " + e.getMessage());
      return REFUSED;
    }
    throw e;
  }

  /** {@code anabranch} alone is a usage error: there is nothing it could mean. */
  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }
}
