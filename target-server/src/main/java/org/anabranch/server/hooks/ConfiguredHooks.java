// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.anabranch.config.hooks.HookSettings;
import org.anabranch.config.hooks.HooksConfig;
import org.anabranch.server.base.Hooks;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.hooks.HookBracket.Failure;
import org.anabranch.server.state.DurableSteps;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the programs that are configured as {@code hooks}.
 *
 * <dl>
 *   <dt>When does an after- hook run?
 *   <dd>Always, once the operation has been noted in {@code hooks.json}, which is before its
 *       before- hook begins: after success and failure of the hook and of the operation, when the
 *       server stops, and at the next start when the server died. That start first ends
 *       before-hooks that still run.
 *   <dt>Two operations on one volume?
 *   <dd>The second one waits until the first one is through with its after- hook. Nobody waits with
 *       a lock or a turn.
 *   <dt>What ends a program?
 *   <dd>Its time limit. A stop of the server ends those that run before an operation; those after
 *       it have their time.
 * </dl>
 *
 * Any thread that may wait.
 */
public final class ConfiguredHooks implements Hooks, WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(ConfiguredHooks.class);
  private static final String STOPPING = "the server is stopping";

  private final Supplier<HooksConfig> configured;
  private final BegunOperations begun;
  private final Path socket;
  private final HookCounts counts = new HookCounts();

  /** Volumes between before and after; guarded by this. */
  private final Set<String> busy = new HashSet<>();

  /** Operations that are under way, by their note; guarded by this. */
  private final Map<BegunOperations.Entry, HookBracket> open = new LinkedHashMap<>();

  /** After- hooks that failed last, by volume; guarded by this. */
  private final Map<String, String> failed = new TreeMap<>();

  /** What a server has left behind that died. */
  private final List<BegunOperations.Entry> left;

  private boolean stopping; // guarded by this

  private ConfiguredHooks(Supplier<HooksConfig> configured, BegunOperations begun, Path socket) {
    this.configured = configured;
    this.socket = socket;
    this.begun = begun;
    this.left = begun.all();
  }

  /**
   * Opens what a server remembers of hooks.
   *
   * @param configured what is configured now
   * @param folder the state directory
   * @param steps is notified of each durable step of {@code hooks.json}
   */
  public static ConfiguredHooks open(
      Supplier<HooksConfig> configured, Path folder, DurableSteps steps) throws RefusedException {
    ConfiguredHooks hooks =
        new ConfiguredHooks(
            configured, BegunOperations.open(folder, steps), folder.resolve("control.sock"));
    synchronized (hooks) {
      for (BegunOperations.Entry entry : hooks.left) {
        entry.subjects().forEach(subject -> hooks.busy.add(subject.volume()));
      }
    }
    return hooks;
  }

  private HookBracket bracket(BegunOperations.Entry entry, Listener listener) {
    HooksConfig config = configured.get();
    Map<Subject, HookSettings> settings = new LinkedHashMap<>();
    entry.subjects().forEach(subject -> settings.put(subject, config.of(subject.volume())));
    SortedMap<String, String> common =
        new TreeMap<>(Map.of("ANABRANCH_SOCKET", socket.toString(), LeftPrograms.RUN, entry.run()));
    return new HookBracket(entry.operation(), settings, common, listener, counts);
  }

  /**
   * Runs the after- hooks of what was under way when the server died; the volumes are served, since
   * a guest that is thawed writes. Returns at once; operations on those volumes wait. To be called
   * once.
   */
  public void recover() {
    synchronized (this) {
      left.forEach(entry -> open.put(entry, bracket(entry, Listener.NOBODY)));
    }
    for (BegunOperations.Entry entry : left) {
      LOG.warn(
          "the server ended in the middle of snapshot {} {}: its after- hooks run now",
          entry.operation() == Operation.CREATE ? "create" : "merge",
          String.join(", ", entry.subjects().stream().map(Subject::device).toList()));
      Thread.ofVirtual().name("hooks recovery").start(() -> recover(entry));
    }
  }

  private void recover(BegunOperations.Entry entry) {
    if (!entry.run().isEmpty()) {
      LeftPrograms.end(entry.run());
    }
    after(entry, "interrupted");
  }

  @Override
  public boolean concerns(Operation operation, Set<String> volumes) {
    HooksConfig config = configured.get();
    return volumes.stream()
        .map(config::of)
        .anyMatch(settings ->
            settings.command(HookBracket.before(operation)) != null
                || settings.command(HookBracket.after(operation)) != null);
  }

  @Override
  public Begun before(Operation operation, List<Subject> subjects, Listener listener)
      throws RefusedException {
    BegunOperations.Entry entry = BegunOperations.Entry.of(operation, subjects);
    HookBracket bracket = begin(entry, listener);
    try {
      begun.add(entry);
    } catch (RefusedException | RuntimeException e) {
      end(entry);
      throw e;
    }
    List<Failure> failures = List.of();
    boolean goesOn = false;
    try {
      failures = bracket.runBefore();
      goesOn = failures.stream().noneMatch(Failure::refuses);
    } finally {
      if (!goesOn) {
        after(entry, "not-done");
      }
    }
    if (!goesOn) {
      throw new RefusedException(
          String.join("; ", failures.stream().map(Failure::text).toList())
              + "; nothing was changed");
    }
    failures.forEach(failure -> listener.failed(failure.text()));
    return outcome -> after(entry, outcome == Outcome.DONE ? "done" : "not-done");
  }

  /** Waits for its turn. */
  private synchronized HookBracket begin(BegunOperations.Entry entry, Listener listener)
      throws RefusedException {
    Set<String> volumes = new HashSet<>();
    entry.subjects().forEach(subject -> volumes.add(subject.volume()));
    boolean waits = false;
    while (!stopping && volumes.stream().anyMatch(busy::contains)) {
      if (!waits) {
        waits = true;
        listener.runs(
            "waiting for the hooks of another operation on "
                + String.join(", ", volumes.stream().filter(busy::contains).sorted().toList()));
      }
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new RefusedException("interrupted; nothing was changed", e);
      }
    }
    if (stopping) {
      throw new RefusedException(STOPPING + "; nothing was changed");
    }
    busy.addAll(volumes);
    HookBracket bracket = bracket(entry, listener);
    open.put(entry, bracket);
    return bracket;
  }

  private void after(BegunOperations.Entry entry, String result) {
    HookBracket bracket;
    synchronized (this) {
      bracket = open.get(entry);
    }
    if (bracket == null) {
      throw new IllegalStateException(entry + " is over");
    }
    try {
      List<Failure> failures = bracket.runAfter(result);
      note(bracket, failures);
    } finally {
      begun.remove(entry);
      end(entry);
    }
  }

  private void note(HookBracket bracket, List<Failure> failures) {
    synchronized (this) {
      bracket.subjects().forEach(subject -> failed.remove(subject.volume()));
      failures.forEach(failure -> failed.put(failure.subject().volume(), failure.text()));
    }
    bracket.tell(failures);
  }

  private synchronized void end(BegunOperations.Entry entry) {
    open.remove(entry);
    entry.subjects().forEach(subject -> busy.remove(subject.volume()));
    notifyAll();
  }

  /** What the hooks have done since the server began. */
  public HookCounts counts() {
    return counts;
  }

  /** After- hooks that failed: something may still be frozen. */
  @Override
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>();
    synchronized (this) {
      failed.forEach((volume, text) ->
          warnings.add(
              new Warning(
                  "volume " + volume,
                  text,
                  "see whether something is still frozen or stopped, and what the log has of the"
                      + " hook; the next one that succeeds ends this warning")));
    }
    return warnings;
  }

  @Override
  public void close() {
    boolean interrupted = false;
    List<HookBracket> running;
    synchronized (this) {
      stopping = true;
      notifyAll();
      running = List.copyOf(open.values());
    }
    running.forEach(each -> each.stop(STOPPING));
    synchronized (this) {
      while (!open.isEmpty()) {
        try {
          wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
