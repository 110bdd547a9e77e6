// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.anabranch.server.ServerProcess;
import org.anabranch.server.Site;

/** A server's process of which can be asked what it holds. */
final class SoakedServer implements AutoCloseable {
  private static final long PATIENCE = 60;
  private static final String READY = "anabranch: ready, portals ";

  /**
   * What a process holds when it has nothing to do.
   *
   * @param descriptors open file descriptors
   * @param threads of the system
   * @param heap bytes of the Java heap that are in use after a collection
   * @param direct bytes outside of it for data
   * @param resident bytes of memory
   * @param files in the state directory
   */
  record Holds(int descriptors, int threads, long heap, long direct, long resident, long files) {
    @Override
    public String toString() {
      return String.format(
          "%d descriptors, %d threads, heap %.1f MiB, direct %.1f MiB, resident %.1f MiB, %d files",
          descriptors, threads, heap / 1048576.0, direct / 1048576.0, resident / 1048576.0, files);
    }
  }

  private final Process process;
  private final Path log;
  private final String portal;
  private final Path state;

  private SoakedServer(Process process, Path log, String portal, Path state) {
    this.process = process;
    this.log = log;
    this.portal = portal;
    this.state = state;
  }

  /** Serves the site's configuration; returns when it is ready. */
  static SoakedServer start(Site site) throws IOException {
    List<String> command =
        new ArrayList<>(
            ServerProcess.command(site.folder, "serve", "--config", site.configuration.toString()));
    command.addAll(1, List.of("-XX:NativeMemoryTracking=summary", "-Xmx256m"));
    Path log = Files.createTempFile(site.folder, "anabranch", ".log");
    Process process =
        new ProcessBuilder(command)
            .directory(site.folder.toFile())
            .redirectError(log.toFile())
            .start();
    BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
    String ready = out.readLine();
    if (ready == null || !ready.startsWith(READY)) {
      process.destroyForcibly();
      throw new AssertionError("not ready: " + ready + "\n" + Files.readString(log));
    }
    return new SoakedServer(
        process,
        log,
        ready.substring(READY.length()).split(" ", -1)[0],
        site.folder.resolve("state"));
  }

  Process process() {
    return process;
  }

  String portal() {
    return portal;
  }

  String errors() throws IOException {
    return Files.readString(log);
  }

  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** SIGTERM; the exit status. */
  int terminate() throws InterruptedException {
    process.toHandle().destroy();
    if (!process.waitFor(PATIENCE, TimeUnit.SECONDS)) {
      throw new AssertionError("still running " + PATIENCE + " s after SIGTERM");
    }
    return process.exitValue();
  }

  Holds holds() throws IOException, InterruptedException {
    jcmd("GC.run");
    String heap = jcmd("GC.heap_info");
    String memory = jcmd("VM.native_memory", "summary", "scale=B");
    Path proc = Path.of("/proc", "" + process.pid());
    long used = 0;
    Matcher generations =
        Pattern.compile("(?:DefNew|Tenured|new generation|tenured).* used (\\d+)K").matcher(heap);
    while (generations.find()) {
      used += Long.parseLong(generations.group(1)) << 10;
    }
    return new Holds(
        count(proc.resolve("fd")),
        count(proc.resolve("task")),
        used,
        number(memory, "Other \\(reserved=\\d+, committed=(\\d+)"),
        number(Files.readString(proc.resolve("status")), "VmRSS:\\s+(\\d+)") << 10,
        files());
  }

  private long files() throws IOException {
    try (Stream<Path> all = Files.walk(state)) {
      return all.filter(Files::isRegularFile).count();
    }
  }

  private static int count(Path folder) {
    return Objects.requireNonNull(folder.toFile().list(), folder.toString()).length;
  }

  private static long number(String text, String pattern) {
    Matcher found = Pattern.compile(pattern).matcher(text);
    return found.find() ? Long.parseLong(found.group(1)) : 0;
  }

  private String jcmd(String... words) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString());
    command.add("" + process.pid());
    command.addAll(List.of(words));
    Process jcmd = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (jcmd.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + ": " + text);
    }
    return text;
  }

  /** SIGKILL, if it still runs. */
  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
