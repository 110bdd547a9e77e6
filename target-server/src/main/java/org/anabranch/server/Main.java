// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Version;
import org.anabranch.server.cli.CheckCommand;
import org.anabranch.server.cli.CowCommand;
import org.anabranch.server.cli.DmCommand;
import org.anabranch.server.cli.ImportCommand;
import org.anabranch.server.cli.ReloadCommand;
import org.anabranch.server.cli.SessionCommand;
import org.anabranch.server.cli.SnapshotCommand;
import org.anabranch.server.cli.StatsCommand;
import org.anabranch.server.cli.StatusCommand;
import org.anabranch.server.cli.VolumeCommand;
import org.anabranch.server.cli.state.LunCommand;
import org.anabranch.server.cli.state.ScheduleCommand;
import org.anabranch.server.cli.state.StateCommand;
import org.anabranch.server.demo.DemoCommand;
import org.anabranch.server.log.Logging;
import org.anabranch.server.serve.Preload;
import org.anabranch.server.serve.ServeCommand;
import org.anabranch.server.terminal.StandardOutput;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code anabranch} command. Each subcommand is a class of its own in cli, serve or demo, named
 * in the list below. Exit status: 0 done, 1 refused or failed, 2 usage or a bad configuration file.
 */
@Command(
    name = "anabranch",
    description =
        "An iSCSI target server whose disks roll back to snapshots under live initiators.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
public final class Main implements Runnable {
  private static final Map<String, Class<?>> SUBCOMMANDS = new LinkedHashMap<>();

  static {
    SUBCOMMANDS.put("serve", ServeCommand.class);
    SUBCOMMANDS.put("check", CheckCommand.class);
    SUBCOMMANDS.put("demo", DemoCommand.class);
    SUBCOMMANDS.put("import", ImportCommand.class);
    SUBCOMMANDS.put("status", StatusCommand.class);
    SUBCOMMANDS.put("stats", StatsCommand.class);
    SUBCOMMANDS.put("reload", ReloadCommand.class);
    SUBCOMMANDS.put("volume", VolumeCommand.class);
    SUBCOMMANDS.put("lun", LunCommand.class);
    SUBCOMMANDS.put("snapshot", SnapshotCommand.class);
    SUBCOMMANDS.put("schedule", ScheduleCommand.class);
    SUBCOMMANDS.put("session", SessionCommand.class);
    SUBCOMMANDS.put("state", StateCommand.class);
    SUBCOMMANDS.put("dm", DmCommand.class);
    SUBCOMMANDS.put("cow", CowCommand.class);
  }

  private static final String LEAK_DETECTION = "io.netty.leakDetection.level";
  private static final String MACHINE_ID = "io.netty.machineId";
  private static final int MIN_COLUMNS = 55; // picocli's own limit
  private static final int REFUSED = 1;
  private static final int BAD_CONFIGURATION = 2; // and usage

  @Spec private CommandSpec spec;

  private Main() {}

  /** Runs one command and ends the process with its exit status. */
  public static void main(String[] args) {
    boolean serve = args.length > 0 && args[0].equals("serve");
    if (serve) {
      Logging.server();
    } else {
      Logging.command();
    }
    if (serve && (List.of(args).contains("-v") || List.of(args).contains("--verbose"))) {
      Logging.verbose();
    }
    // Netty would start Java's flight recorder for events of its own, which takes as long as all
    // else in a start.
    System.setProperty("io.netty.jfr.enabled", "false");
    // Nor would it look for buffers that were not given back, which takes a stack trace for each
    // hundredth of them, unless somebody asks it to.
    if (System.getProperty(LEAK_DETECTION) == null) {
      System.setProperty(LEAK_DETECTION, "disabled");
    }
    // Netty would make ids of channels of a network card's address, and warn where there is none,
    // as
    // in a container without a network. Here they need to differ within the process only.
    if (System.getProperty(MACHINE_ID) == null) {
      System.setProperty(MACHINE_ID, "00:00:00:00:00:00:00:01");
    }
    if (serve) {
      Preload.begin();
    }
    StandardOutput output = new StandardOutput();
    CommandLine command =
        fitting(commandLine(args), System.getenv("COLUMNS")).setOut(output.writer());
    int status = command.execute(args);
    Logging.flush(); // hooks of the shutdown do not run when the system has no threads to give
    System.exit(serve ? status : statusOf(status, command, output));
  }

  /** A command whose output is incomplete has failed. A server goes on without its output. */
  private static int statusOf(int status, CommandLine command, StandardOutput output) {
    command.getOut().flush();
    if (output.failure() == null) {
      return status;
    }
    if (!output.isBrokenPipe()) {
      command
          .getErr()
          .println("anabranch: the output could not be written: " + output.failure().getMessage());
    }
    return Math.max(status, REFUSED);
  }

  /**
   * Lets help fit the terminal.
   *
   * @param columns its width, where the environment has it; otherwise the terminal is asked once
   *     help is printed
   */
  static CommandLine fitting(CommandLine command, @Nullable String columns) {
    return columns != null && columns.matches("[1-9][0-9]{1,3}")
        ? command.setUsageHelpWidth(Math.max(MIN_COLUMNS, Integer.parseInt(columns)))
        : command.setUsageHelpAutoWidth(true);
  }

  /**
   * The command line for {@link #main}, for the manual pages and completions that are made of it,
   * and for tests, which must not end the process.
   *
   * @param args where they begin with a subcommand, only that one is there: to read the options of
   *     all takes longer than to start the server
   */
  public static CommandLine commandLine(String... args) {
    CommandLine command = new CommandLine(new Main());
    String first = args.length == 0 ? "" : args[0];
    SUBCOMMANDS.forEach((name, type) -> {
      if (name.equals(first) || !SUBCOMMANDS.containsKey(first)) {
        command.addSubcommand(name, type);
      }
    });
    command.registerConverter(Long.TYPE, text -> wholeNumber(text, Long::valueOf));
    command.registerConverter(Long.class, text -> wholeNumber(text, Long::valueOf));
    command.registerConverter(Integer.TYPE, text -> wholeNumber(text, Integer::valueOf));
    command.registerConverter(Integer.class, text -> wholeNumber(text, Integer::valueOf));
    return command
        .setExecutionExceptionHandler(Main::failed)
        .setParameterExceptionHandler(Main::misused);
  }

  private static <T> T wholeNumber(String text, Function<String, T> number) {
    try {
      return number.apply(text);
    } catch (NumberFormatException e) {
      throw new TypeConversionException(
          text.matches("[+-]?[0-9]+")
              ? text + " is out of range"
              : "'" + text + "' is not a whole number");
    }
  }

  /** What is wrong comes first and is short, so that it is not lost above pages of help. */
  private static int misused(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("anabranch: " + reason(e, args));
    if (!UnmatchedArgumentException.printSuggestions(e, err)) {
      CommandLine.Help help = command.getHelp();
      err.print("Usage: " + help.synopsis("Usage: ".length()));
      if (!command.getSubcommands().isEmpty()) {
        err.println("Commands: " + String.join(", ", names(command)));
      }
    }
    err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    err.flush();
    return BAD_CONFIGURATION;
  }

  /**
   * What is wrong. A word that begins with a minus sign is taken for an option: when a parameter is
   * missing beside such a word, it is the word that is wrong.
   */
  private static String reason(ParameterException e, String[] args) {
    if (e instanceof MissingParameterException missing) {
      Map<String, ?> options = e.getCommandLine().getCommandSpec().optionsMap();
      for (String word : args) {
        if (word.equals("--")) {
          break;
        }
        if (word.matches("-[0-9.].*")) {
          return missing.getMissing().getFirst().paramLabel() + " cannot be negative: " + word;
        }
        if (word.matches("--?[^-].*") && !options.containsKey(word.replaceFirst("=.*", ""))) {
          return "Unknown option: '" + word + "'; " + e.getMessage();
        }
      }
    }
    return String.valueOf(e.getMessage());
  }

  /** Of its subcommands, without their other words such as {@code rm}. */
  private static List<String> names(CommandLine command) {
    return command.getSubcommands().values().stream()
        .map(CommandLine::getCommandName)
        .distinct()
        .toList();
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
