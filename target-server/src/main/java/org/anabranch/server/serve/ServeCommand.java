// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.Portal;
import org.anabranch.config.Problem;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.admin.ConfigurationSource;
import org.anabranch.server.base.EmbeddedDefaults;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Version;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.hooks.HookRules;
import org.anabranch.server.log.Logging;
import org.anabranch.server.storage.Rehearsal;
import org.anabranch.server.systemd.Supervisor;
import org.anabranch.server.systemd.Watchdog;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code anabranch serve}: runs in the foreground until SIGTERM or SIGINT. */
@Command(
    name = "serve",
    description = "Serve the LUNs of a configuration file, or else one disk of 1 GiB.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Without a file: volume disk0 in ./anabranch-data, target",
      "iqn.2026-11.org.anabranch:disk0, LUN 0, on 127.0.0.1:3260.",
      "",
      "SIGTERM and SIGINT stop the server, and so does closing the terminal that it",
      "runs in, unless it was started with nohup. SIGHUP otherwise reloads the file,",
      "as anabranch reload does. SIGQUIT prints all threads; SIGUSR1 does nothing.",
      "",
      "Example:",
      "  anabranch serve --config /etc/anabranch.conf"
    })
public final class ServeCommand implements Callable<Integer> {
  /** What there is to serve: a file's, or our own with another place for it. */
  static final class What {
    @Option(
        names = {"-c", "--config"},
        paramLabel = "FILE",
        description = "The configuration file.")
    private @Nullable Path file;

    @ArgGroup(exclusive = false)
    private @Nullable Embedded embedded;
  }

  /** Where the disk that needs no configuration is. */
  static final class Embedded {
    @Option(
        names = "--portal",
        paramLabel = "ADDRESS:PORT",
        defaultValue = EmbeddedDefaults.PORTAL,
        description =
            "Without a file: where to listen (${DEFAULT-VALUE}); port 0 takes a free one.")
    private String portal = EmbeddedDefaults.PORTAL;

    @Option(
        names = "--data",
        paramLabel = "FOLDER",
        defaultValue = EmbeddedDefaults.FOLDER,
        description = "Without a file: where the disk and the state live (./${DEFAULT-VALUE}).")
    private Path folder = Path.of(EmbeddedDefaults.FOLDER);
  }

  @ArgGroup private @Nullable What what;

  @Option(
      names = "--all-or-nothing",
      description = {
        "Do not start when a volume, a snapshot or a device is missing or damaged. Otherwise that is",
        "left out, status says so, and the rest is served."
      })
  private boolean allOrNothing;

  @Option(
      names = {"-v", "--verbose"},
      description = "Log more, with stack traces.")
  @SuppressWarnings("UnusedVariable") // Main reads it, before there is a logger
  private boolean verbose;

  @Spec private CommandSpec spec;

  @Override
  public Integer call()
      throws RefusedException, InvalidConfigurationException, InterruptedException {
    Preload.end();
    CountDownLatch end = new CountDownLatch(1);
    Signals.handle("TERM", () -> endOrHalt(end));
    Signals.handle("INT", () -> endOrHalt(end));
    boolean clean;
    // Held until the start is through: a hangup in the middle of it is no end, and no reload yet.
    CompletableFuture<Server> ready = new CompletableFuture<>();
    Terminal terminal = Terminal.ofThisProcess();
    Runnable hangup =
        () -> {
          if (terminal.hasClosed()) {
            end.countDown();
          } else {
            var _ = ready.thenAccept(ServeCommand::reload);
          }
        };
    Signals.handleHangup(hangup);
    // By default it would end the process at once.
    Signals.handle(
        "USR1",
        () ->
            LoggerFactory.getLogger(ServeCommand.class)
                .info("SIGUSR1 does nothing here; SIGQUIT prints all threads"));
    try (Server server = start()) {
      ready.complete(server);
      serve(server, end, hangup);
      clean = server.stop();
    }
    return clean ? 0 : 1;
  }

  /** The first signal stops the server; with the second one, nothing is waited for any more. */
  private static void endOrHalt(CountDownLatch end) {
    if (end.getCount() == 0) {
      System.err.println("anabranch: ended by a second signal, before all was synced");
      Runtime.getRuntime().halt(1);
    }
    end.countDown();
  }

  /** Says that the server is ready, to the user and the service manager, and waits for the end. */
  private void serve(Server server, CountDownLatch end, Runnable hangup)
      throws InterruptedException {
    Supervisor supervisor = Supervisor.ofEnvironment();
    server.announceTo(supervisor);
    PrintWriter out = spec.commandLine().getOut();
    out.println("anabranch: ready, portals " + String.join(" ", server.portals()));
    out.flush();
    Signals.needNoThread(() -> endOrHalt(end), Signals.SIGINT, Signals.SIGTERM);
    Signals.needNoThread(hangup, Signals.SIGHUP); // on a thread of its own: a reload may take long
    Preload.control(new ControlClient(server.controlSocket()));
    try (Watchdog _ = Watchdog.start(supervisor, server::answer)) {
      end.await();
    }
    supervisor.stopping();
  }

  private Server start() throws RefusedException, InvalidConfigurationException {
    Configuration configuration = configuration();
    Logging.configure(configuration.log());
    sayWhatStarts(configuration);
    logWarnings(configuration); // after the line that says which file they are of
    try {
      return Server.start(
          configuration,
          what != null && what.file != null ? this::configurationAnew : ConfigurationSource.NONE,
          allOrNothing ? Server.Strictness.ALL_OR_NOTHING : Server.Strictness.WHAT_IS_WHOLE);
    } catch (RefusedException e) {
      // Where it is the file's fault, its lines and all that is wrong with it say more.
      List<Problem> problems = new ArrayList<>(HookRules.problems(configuration));
      problems.addAll(
          Rehearsal.of(configuration, StandardBackends.all(), new ThreadScheduler("rehearsal"))
              .problems());
      if (problems.isEmpty()) {
        throw e;
      }
      throw new InvalidConfigurationException(problems);
    }
  }

  private void sayWhatStarts(Configuration configuration) throws RefusedException {
    String version;
    try {
      version = Version.number();
    } catch (IOException e) {
      throw new RefusedException("version: " + e.getMessage(), e);
    }
    Path file = what == null ? null : what.file;
    LoggerFactory.getLogger(ServeCommand.class)
        .atInfo()
        .addKeyValue("version", version)
        .addKeyValue("pid", ProcessHandle.current().pid())
        .log(
            "anabranch {} starts with {}, state in {}",
            version,
            file == null
                ? "no configuration file"
                : "configuration " + file.toAbsolutePath().normalize(),
            configuration.stateDir());
  }

  /** What SIGHUP asks for; there is nobody to answer but the log. */
  private static void reload(Server server) {
    Logger log = LoggerFactory.getLogger(ServeCommand.class);
    try {
      List<String> changes = server.reload(false);
      log.info("SIGHUP: {}", changes.isEmpty() ? "nothing has changed" : "reloaded");
    } catch (RefusedException e) {
      log.error("SIGHUP: not reloaded: {}", e.getMessage());
    }
  }

  private static void logWarnings(Configuration configuration) {
    Logger log = LoggerFactory.getLogger(ServeCommand.class);
    configuration.warnings().forEach(warning -> log.warn("{}", warning));
    HookRules.warnings(configuration).forEach(warning -> log.warn("{}", warning));
  }

  /** For a reload. */
  private Configuration configurationAnew() throws InvalidConfigurationException {
    Configuration read = configuration();
    logWarnings(read);
    return read;
  }

  private Configuration configuration() throws InvalidConfigurationException {
    if (what != null && what.file != null) {
      return ConfigurationFile.read(what.file);
    }
    Embedded embedded = what == null || what.embedded == null ? new Embedded() : what.embedded;
    if (Portal.parse(embedded.portal) == null) {
      throw new ParameterException(
          spec.commandLine(),
          "--portal "
              + embedded.portal
              + ": not ADDRESS:PORT, such as 127.0.0.1:3260, 0.0.0.0:3260 or [::1]:3260");
    }
    return EmbeddedDefaults.configuration(embedded.portal, embedded.folder);
  }
}
