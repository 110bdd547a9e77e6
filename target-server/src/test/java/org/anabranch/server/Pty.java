// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A shell on a terminal of its own, which util-linux's {@code script} makes. One thread; reads have
 * no deadline but the test's.
 */
final class Pty implements AutoCloseable {
  private static final String INTERRUPT = "\u0003"; // what Ctrl-C sends

  private final Process process;
  private final InputStream in;
  private final OutputStream out;
  private final StringBuilder seen = new StringBuilder();

  /** Skips the test, or fails it where tools are required, unless there are terminals. */
  static void require() {
    Tools.require("script", "stty", "env");
  }

  /**
   * Runs a line of a shell on a terminal of 80 columns.
   *
   * @param environment all that it has besides what a terminal without colours needs
   */
  Pty(Path folder, Map<String, String> environment, String line) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command("stty cols 80; " + line)).directory(folder.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", System.getenv("PATH"));
    builder.environment().put("TERM", "xterm");
    builder.environment().put("NO_COLOR", "1");
    builder.environment().putAll(environment);
    process = builder.redirectErrorStream(true).start();
    in = process.getInputStream();
    out = process.getOutputStream();
  }

  /** The command line of a program that runs a line of a shell on a terminal. */
  static List<String> command(String line) {
    return List.of(
        "env",
        "--default-signal=HUP,INT", // which nohup and a shell without job control have ignored
        "script",
        "--quiet",
        "--return",
        "--command",
        line,
        "/dev/null");
  }

  /** A command as a shell takes it. */
  static String quoted(List<String> command) {
    return command.stream()
        .map(word -> "'" + word.replace("'", "'\\''") + "'")
        .collect(Collectors.joining(" "));
  }

  /** Reads until the terminal has shown this. */
  void awaitShown(String text) throws IOException {
    while (seen.indexOf(text) < 0) {
      if (!read()) {
        throw new AssertionError("ended before it showed " + text + ":\n" + seen);
      }
    }
  }

  private boolean read() throws IOException {
    byte[] some = new byte[4096];
    int count = in.read(some);
    if (count > 0) {
      seen.append(new String(some, 0, count, StandardCharsets.UTF_8));
    }
    return count > 0;
  }

  /** Presses Ctrl-C. */
  void interrupt() throws IOException {
    out.write(INTERRUPT.getBytes(StandardCharsets.US_ASCII));
    out.flush();
  }

  /** All that the terminal was sent until the shell ended. */
  String end() throws IOException, InterruptedException {
    while (read()) {
      // until nobody has the terminal any more
    }
    process.waitFor();
    return seen.toString();
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
