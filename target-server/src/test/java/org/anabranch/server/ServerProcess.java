// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * {@code anabranch} in a process of its own, as it was compiled for this test. Standard error goes
 * to a file, and with it into every failure's message.
 */
public final class ServerProcess implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 60;

  /** Those that run. They end with this process, also when a signal ends it. */
  private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
  }

  private final Process process;
  private final Path log;
  private final BufferedReader out;

  /** Starts {@code anabranch} with these arguments in {@code folder}. */
  ServerProcess(Path folder, String... arguments) throws IOException {
    this(folder, Path.of(System.getProperty("java.io.tmpdir")), arguments);
  }

  private ServerProcess(Path folder, Path temporary, String... arguments) throws IOException {
    this(folder, command(temporary, arguments));
  }

  /** The same with more in its environment. */
  ServerProcess(Path folder, Map<String, String> environment, String... arguments)
      throws IOException {
    this(folder, environment, command(Path.of(System.getProperty("java.io.tmpdir")), arguments));
  }

  private ServerProcess(Path folder, List<String> command) throws IOException {
    this(folder, Map.of(), command);
  }

  private ServerProcess(Path folder, Map<String, String> environment, List<String> command)
      throws IOException {
    log = Files.createTempFile(folder, "anabranch", ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectError(log.toFile());
    builder.environment().putAll(environment);
    process = builder.start();
    RUNNING.add(process);
    var _ = process.onExit().thenAccept(RUNNING::remove);
    out = process.inputReader(StandardCharsets.UTF_8);
  }

  /** The command line of {@code anabranch} with these arguments. */
  public static List<String> command(Path temporary, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(AotCache.options());
    command.addAll(List.of("-Djava.io.tmpdir=" + temporary, "org.anabranch.server.Main"));
    command.addAll(List.of(arguments));
    return command;
  }

  /** {@code anabranch demo} on a terminal of that many columns. */
  static ServerProcess demoOnATerminal(Path folder, int columns) throws IOException {
    String demo = Pty.quoted(command(folder, "demo"));
    return new ServerProcess(
        folder, Pty.command("stty cols " + columns + "; unset NO_COLOR; TERM=xterm exec " + demo));
  }

  /** Serves the embedded default on a terminal; {@link #process} is the one that holds it. */
  static ServerProcess servingOnATerminal(Path folder) throws IOException {
    String serve = Pty.quoted(command(folder, "serve", "--portal", "127.0.0.1:0"));
    return new ServerProcess(folder, Pty.command("exec " + serve));
  }

  /** {@code anabranch demo}, which makes its own folder below this one. */
  static ServerProcess demo(Path folder) throws IOException {
    return new ServerProcess(folder, folder, "demo");
  }

  /** Serves the embedded default on a free port and waits until it is ready. */
  static ServerProcess serving(Path folder) throws IOException {
    return new ServerProcess(folder, "serve", "--portal", "127.0.0.1:0").ready();
  }

  /** Serves a configuration, which must listen on port 0, and waits until it is ready. */
  static ServerProcess serving(Path folder, String configuration) throws IOException {
    Path file = folder.resolve("anabranch.conf");
    Files.writeString(file, configuration);
    return new ServerProcess(folder, "serve", "--config", file.toString()).ready();
  }

  /** The same with SIGHUP ignored from the start, as nohup does it. */
  static ServerProcess servingUnderNohup(Path folder, String configuration) throws IOException {
    Path file = folder.resolve("anabranch.conf");
    Files.writeString(file, configuration);
    List<String> line = new ArrayList<>(List.of("sh", "-c", "trap '' HUP; exec \"$@\"", "sh"));
    line.addAll(command(folder, "serve", "--config", file.toString()));
    return new ServerProcess(folder, line).ready();
  }

  /**
   * Serves the configuration in {@code folder} as another user, whose home it is.
   *
   * @param become the command that becomes the user, and takes another command
   */
  static ServerProcess servingAs(List<String> become, Path folder) throws IOException {
    List<String> line = new ArrayList<>(become);
    line.addAll(command(folder, "serve", "--config", folder.resolve("anabranch.conf").toString()));
    return new ServerProcess(folder, line).ready();
  }

  /** Serves a configuration as a service does, whose manager has these in the environment. */
  static ServerProcess servingAsService(
      Path folder, String configuration, Map<String, String> environment) throws IOException {
    Path file = folder.resolve("anabranch.conf");
    Files.writeString(file, configuration);
    List<String> line = new ArrayList<>(List.of("env"));
    environment.forEach((name, value) -> line.add(name + "=" + value));
    line.addAll(command(folder, "serve", "--config", file.toString()));
    return new ServerProcess(folder, line).ready();
  }

  private @Nullable String readyLine;

  /** Waits until it is. */
  ServerProcess ready() throws IOException {
    readyLine = out.readLine();
    if (readyLine == null || !readyLine.startsWith("anabranch: ready, portals ")) {
      process.destroyForcibly();
      throw new AssertionError("not ready: " + readyLine + "\n" + errors());
    }
    return this;
  }

  String readyLine() {
    return String.valueOf(readyLine);
  }

  /** The first portal, as the ready line has it. */
  public String portal() {
    return readyLine().substring("anabranch: ready, portals ".length()).split(" ", -1)[0];
  }

  int port() {
    return Integer.parseInt(portal().substring(portal().lastIndexOf(':') + 1));
  }

  /** What libiscsi and QEMU call a LUN of a target here. */
  String url(String target, int lun) {
    return "iscsi://" + portal() + "/" + target + "/" + lun;
  }

  public Process process() {
    return process;
  }

  /** Standard error so far. */
  public String errors() throws IOException {
    return Files.readString(log);
  }

  /** The next line of standard output. */
  @Nullable String line() throws IOException {
    return out.readLine();
  }

  /** The rest of standard output; waits for the end of the process. */
  String output() throws IOException {
    StringBuilder text = new StringBuilder();
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      text.append(line).append('\n');
    }
    return text.toString();
  }

  /** Waits for the end; the exit status. */
  public int await() throws IOException, InterruptedException {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("still running after " + PATIENCE_SECONDS + " s\n" + errors());
    }
    return process.exitValue();
  }

  /** SIGTERM, and the exit status. */
  public int terminate() throws IOException, InterruptedException {
    process.toHandle().destroy(); // Process.destroy would also close the streams
    return await();
  }

  /** SIGKILL, if it still runs. */
  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
