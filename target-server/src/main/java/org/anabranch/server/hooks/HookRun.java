// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import org.anabranch.config.hooks.HookCommand;
import org.anabranch.config.hooks.HookSettings;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of one program: in a session and a process group of its own, in the folder /, without
 * standard input, and with nothing in its environment but what is stated. {@link #run} by one
 * thread, {@link #end} by any.
 */
final class HookRun {
  private static final Logger LOG = LoggerFactory.getLogger(HookRun.class);
  private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private final String name;
  private final HookCommand command;
  private final HookSettings settings;
  private final SortedMap<String, String> variables;

  /** Whether its time limit ended it; of the thread that runs it. */
  private boolean late;

  /** Guarded by this. */
  private @Nullable Process process;

  /** Why it was ended before its time; guarded by this. */
  private @Nullable String endedBecause;

  /**
   * The end of a run.
   *
   * @param failure null when it has ended with status 0
   * @param late whether its time limit ended it
   * @param took from its begin to its end
   */
  record Ended(@Nullable String failure, boolean late, Duration took) {}

  /**
   * @param name such as {@code hook before-create of vm1}
   * @param variables what the program finds in its environment besides what is configured
   */
  HookRun(
      String name,
      HookCommand command,
      HookSettings settings,
      SortedMap<String, String> variables) {
    this.name = name;
    this.command = command;
    this.settings = settings;
    this.variables = variables;
  }

  /** Where programs are looked up that have no slash in their name. */
  static String path(HookSettings settings) {
    return settings.environment().getOrDefault("PATH", PATH);
  }

  /**
   * Runs the program, and waits for its end. What it prints is logged.
   *
   * @return how it ended; a failure begins with its name
   */
  Ended run() {
    long begun = System.nanoTime();
    String failure = failureOfRun();
    Duration took = Duration.ofNanos(System.nanoTime() - begun);
    LOG.debug("{}: {} ms", name, took.toMillis());
    return new Ended(failure, late, took);
  }

  private @Nullable String failureOfRun() {
    try {
      String failure = runProgram();
      return failure == null ? null : name + " " + failure;
    } catch (IOException | RefusedException e) {
      return name + " cannot run: " + e.getMessage();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return name + " was interrupted";
    }
  }

  private @Nullable String runProgram() throws IOException, RefusedException, InterruptedException {
    List<String> words = new ArrayList<>(List.of("setsid"));
    words.addAll(HookUser.prefix(settings.user()));
    words.addAll(command.argumentVector());
    ProcessBuilder builder =
        new ProcessBuilder(words)
            .directory(Path.of("/").toFile())
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true);
    Map<String, String> environment = builder.environment();
    environment.clear();
    environment.put("PATH", PATH);
    environment.putAll(settings.environment());
    environment.putAll(variables);
    Process started;
    synchronized (this) {
      if (endedBecause != null) {
        return "did not run: " + endedBecause;
      }
      started = builder.start();
      process = started;
    }
    HookOutput output = HookOutput.of(started.getInputStream());
    Duration limit = settings.timeLimit();
    late = !started.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
    if (late) {
      ProcessGroup.end(started.toHandle());
    }
    int status = started.waitFor();
    List<String> lines = output.lines();
    String ended;
    synchronized (this) {
      process = null;
      ended = endedBecause;
    }
    if (ended != null) {
      log(lines, true);
      return "was ended: " + ended;
    }
    log(lines, late || status != 0);
    String last = lines.isEmpty() ? "" : ": " + lines.getLast();
    if (late) {
      return "did not end within " + limit.toMillis() / 1000.0 + " s, and was ended" + last;
    }
    return status == 0 ? null : failure(status) + last;
  }

  /** A shell and setpriv say 126 and 127 where a program cannot be executed. */
  private static String failure(int status) {
    return status > 128
        ? "was ended by signal " + (status - 128)
        : "failed with exit status " + status;
  }

  private void log(List<String> lines, boolean failed) {
    for (String line : lines) {
      if (failed) {
        LOG.warn("{}: {}", name, line);
      } else {
        LOG.info("{}: {}", name, line);
      }
    }
  }

  /** Ends the program, now or as soon as it begins. */
  void end(String because) {
    Process running;
    synchronized (this) {
      endedBecause = because;
      running = process;
    }
    if (running != null) {
      ProcessGroup.end(running.toHandle());
    }
  }
}
