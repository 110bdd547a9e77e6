// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import org.anabranch.server.base.EmbeddedDefaults;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.control.Json;
import org.anabranch.server.control.RecordJson;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options of every command that asks a server: which one, and how the answer is printed. */
public final class ServerOption {
  private static final Path STANDARD = Path.of("/var/lib/anabranch/control.sock");

  private static final String ENVIRONMENT = "ANABRANCH_SOCKET";

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description =
          "The server's control socket; without it the one that ANABRANCH_SOCKET in the environment"
              + " names, else ./anabranch-data/control.sock if there is one, else"
              + " /var/lib/anabranch/control.sock.")
  private @Nullable Path socket;

  @Option(names = "--json", description = "Print the answer as JSON.")
  private boolean json;

  /** Of the command that has these options. */
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  /** Whether the answer is printed as JSON. */
  public boolean json() {
    return json;
  }

  /** Where the command prints. */
  public PrintWriter out() {
    return spec.root().commandLine().getOut();
  }

  /** Where the command tells what is wrong, and what its output must not contain. */
  public PrintWriter err() {
    return spec.root().commandLine().getErr();
  }

  /** Asks the server. */
  public ControlClient client() {
    return new ControlClient(socketPath(), notice -> err().println("anabranch: " + notice));
  }

  /** Where the server's socket is, or would be. */
  public Path socketPath() {
    return socketPath(System.getenv(ENVIRONMENT));
  }

  /**
   * Where the server's socket is.
   *
   * @param environment what {@value #ENVIRONMENT} says; null or empty: nothing
   */
  Path socketPath(@Nullable String environment) {
    if (socket != null) {
      return socket;
    }
    if (environment != null && !environment.isEmpty()) {
      return Path.of(environment);
    }
    Path here = Path.of(EmbeddedDefaults.FOLDER, "control.sock");
    return Files.exists(here) ? here : STANDARD;
  }

  /**
   * Asks the server and prints its answer.
   *
   * @param text the answer for people, with its line ends
   * @return exit status 0
   */
  public <A extends Record, R extends Record> int show(
      Call<A, ?, R> call, A arguments, Function<R, String> text) throws RefusedException {
    R result = client().ask(call, arguments);
    print(result, text);
    return 0;
  }

  /** Prints what the command waits for, and what went wrong without refusing it. */
  void notice(String text) {
    PrintWriter err = spec.root().commandLine().getErr();
    err.println("anabranch: " + text);
    err.flush();
  }

  /** Prints an answer: as JSON, or its text. */
  public <R extends Record> void print(R result, Function<R, String> text) {
    out().print(json ? Json.pretty(RecordJson.write(result)) : text.apply(result));
    out().flush();
  }
}
