// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import org.anabranch.config.hooks.Hook;
import org.anabranch.config.hooks.HookCommand;
import org.anabranch.config.hooks.HookSettings;
import org.anabranch.config.hooks.HookSettings.OnFailure;
import org.anabranch.server.base.Hooks.Listener;
import org.anabranch.server.base.Hooks.Operation;
import org.anabranch.server.base.Hooks.Subject;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The programs of one operation. The settings are those of its beginning: what one of its programs
 * froze is thawed by the program that goes with it, whatever a reload brings in between. The
 * volumes' programs run at the same time, at most {@value #AT_ONCE} of them.
 */
final class HookBracket {
  private static final Logger LOG = LoggerFactory.getLogger(HookBracket.class);
  private static final int AT_ONCE = 32;

  private final Operation operation;
  private final Map<Subject, HookSettings> settings;
  private final String volumes;
  private final SortedMap<String, String> common;
  private final Listener listener;
  private final HookCounts counts;
  private final Map<HookRun, Boolean> running = new ConcurrentHashMap<>();

  /** Why nothing runs before the operation any more; null while it may. */
  private volatile @Nullable String stopped;

  /**
   * A program that failed.
   *
   * @param text what happened, with its name
   * @param refuses whether the operation must not go on
   */
  record Failure(Subject subject, String text, boolean refuses) {}

  /**
   * @param common what all programs of the operation find in their environment
   */
  HookBracket(
      Operation operation,
      Map<Subject, HookSettings> settings,
      SortedMap<String, String> common,
      Listener listener,
      HookCounts counts) {
    this.counts = counts;
    this.common = common;
    this.operation = operation;
    this.settings = new LinkedHashMap<>(settings);
    this.listener = listener;
    this.volumes = String.join(" ", settings.keySet().stream().map(Subject::volume).toList());
  }

  static Hook before(Operation operation) {
    return operation == Operation.CREATE ? Hook.BEFORE_CREATE : Hook.BEFORE_MERGE;
  }

  static Hook after(Operation operation) {
    return operation == Operation.CREATE ? Hook.AFTER_CREATE : Hook.AFTER_MERGE;
  }

  Operation operation() {
    return operation;
  }

  List<Subject> subjects() {
    return List.copyOf(settings.keySet());
  }

  /** Runs what comes before. */
  List<Failure> runBefore() {
    return run(before(operation), null);
  }

  /**
   * Runs what comes after.
   *
   * @param result of the operation: done, not-done or interrupted
   */
  List<Failure> runAfter(String result) {
    return run(after(operation), result);
  }

  /** Tells whoever waits for the operation. */
  void tell(List<Failure> failures) {
    failures.forEach(failure -> listener.failed(failure.text()));
  }

  /** Ends what runs before the operation. */
  void stop(String because) {
    stopped = because;
    running.keySet().forEach(each -> each.end(because));
  }

  private List<Failure> run(Hook hook, @Nullable String result) {
    Semaphore places = new Semaphore(AT_ONCE);
    Map<Subject, FutureTask<@Nullable String>> runs = new LinkedHashMap<>();
    settings.forEach((subject, mine) -> {
      HookCommand command = mine.command(hook);
      if (command != null) {
        String name = "hook " + hook.key() + " of " + subject.volume();
        HookRun run = new HookRun(name, command, mine, variables(hook, subject, result));
        FutureTask<@Nullable String> task =
            new FutureTask<>(() -> {
              HookRun.Ended ended = run(run, places, result == null);
              counts.note(subject.volume(), hook, ended);
              return ended.failure();
            });
        runs.put(subject, task);
        Thread.ofVirtual().name(name).start(task);
      }
    });
    if (!runs.isEmpty()) {
      listener.runs(
          "hook "
              + hook.key()
              + " of "
              + String.join(", ", runs.keySet().stream().map(Subject::volume).toList()));
    }
    List<Failure> failures = new ArrayList<>();
    runs.forEach((subject, task) -> {
      String failure = await(task);
      if (failure != null) {
        boolean refuses =
            result == null
                && (stopped != null
                    || Objects.requireNonNull(settings.get(subject)).onFailure()
                        == OnFailure.REFUSE);
        LOG.error("{}", failure);
        failures.add(new Failure(subject, failure, refuses));
      }
    });
    return failures;
  }

  private HookRun.Ended run(HookRun run, Semaphore places, boolean before)
      throws InterruptedException {
    places.acquire();
    try {
      if (before) {
        running.put(run, true);
        String because = stopped;
        if (because != null) {
          run.end(because);
        }
      }
      return run.run();
    } finally {
      running.remove(run);
      places.release();
    }
  }

  /** The programs end by themselves or at their time limit, so this ends. */
  private static @Nullable String await(FutureTask<@Nullable String> task) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          LOG.error("a hook failed in an unexpected way", e);
          return "internal error, see the server's log: " + e.getCause();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private SortedMap<String, String> variables(Hook hook, Subject subject, @Nullable String result) {
    SortedMap<String, String> variables = new TreeMap<>(common);
    variables.put("ANABRANCH_HOOK", hook.key());
    variables.put("ANABRANCH_OPERATION", operation == Operation.CREATE ? "create" : "merge");
    variables.put("ANABRANCH_VOLUME", subject.volume());
    variables.put("ANABRANCH_SNAPSHOT", subject.device());
    variables.put("ANABRANCH_VOLUMES", volumes);
    if (result != null) {
      variables.put("ANABRANCH_RESULT", result);
    }
    return variables;
  }
}
