// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.anabranch.config.Configuration;
import org.anabranch.config.HttpConfig;
import org.anabranch.config.LimitsConfig;
import org.anabranch.config.Problem;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.server.admin.ConfigurationSource;
import org.anabranch.server.admin.ConfiguredLuns;
import org.anabranch.server.admin.Translation;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.ThreadStart;
import org.anabranch.server.control.ControlLimits;
import org.anabranch.server.control.ControlServer;
import org.anabranch.server.control.verbs.Verbs;
import org.anabranch.server.hooks.HookRules;
import org.anabranch.server.http.StatusServer;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.storage.Backends;
import org.anabranch.server.storage.LeftOut;
import org.anabranch.server.storage.Rehearsal;
import org.anabranch.server.systemd.Supervisor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server that runs: state directory, block layer, targets, portals, made in this order and taken
 * down in the other. Started and stopped by one thread.
 *
 * <dl>
 *   <dt>What happens at a stop?
 *   <dd>Control commands end or are sent away. Suspended devices are resumed with the table that
 *       they have, so that what waits in them ends. No more connections; initiators are asked to
 *       log out and have half of {@value #LOGOUT_SECONDS} seconds for it; then their connections
 *       close. Then every device is flushed and taken down, which syncs and unlocks the files, and
 *       the state directory is unlocked. A disk that hangs is given up {@value #STOP_SECONDS}
 *       seconds after the control commands have ended. When something could not be made durable, as
 *       on such a disk or with a file that was cut from outside, the log says what, and the stop
 *       counts as not clean: {@code serve} ends with 1. The kernel keeps what was written, and
 *       writes it when the disk answers again; until then it keeps a process that hangs in a write.
 *   <dt>What happens when a start is refused half way?
 *   <dd>What was made is taken down again. Files that were made for volumes stay.
 * </dl>
 */
public final class Server extends ServerParts implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final int LOGOUT_SECONDS = 3;
  private static final int STOP_SECONDS = 5;

  /** What happens at the start when something is missing or damaged. */
  public enum Strictness {
    /** It is left out, and the rest is served. */
    WHAT_IS_WHOLE,
    /** The server does not start. */
    ALL_OR_NOTHING
  }

  private final Strictness strictness;
  private volatile Supervisor supervisor = Supervisor.NONE; // set once the start is through
  private @Nullable StatusServer http;
  private boolean opened;
  private boolean stopped;
  private boolean clean;

  private Server(
      Configuration configuration,
      ConfigurationSource source,
      DurableSteps steps,
      Strictness strictness,
      Backends backends)
      throws RefusedException {
    super(configuration, source, steps, backends);
    this.strictness = strictness;
  }

  /** Starts with a configuration that does not change. */
  public static Server start(Configuration configuration) throws RefusedException {
    return start(configuration, ConfigurationSource.NONE);
  }

  /**
   * Starts; logins are accepted when this returns.
   *
   * @param source of what a {@link #reload} applies
   */
  public static Server start(Configuration configuration, ConfigurationSource source)
      throws RefusedException {
    return start(configuration, source, Strictness.WHAT_IS_WHOLE);
  }

  /** The same, and what to do when something is missing or damaged. */
  public static Server start(
      Configuration configuration, ConfigurationSource source, Strictness strictness)
      throws RefusedException {
    return start(
        configuration, source, DurableSteps.UNWATCHED, strictness, StandardBackends.all(), true);
  }

  /** The same, watched. */
  public static Server start(
      Configuration configuration, ConfigurationSource source, DurableSteps steps)
      throws RefusedException {
    return start(
        configuration, source, steps, Strictness.WHAT_IS_WHOLE, StandardBackends.all(), true);
  }

  /** The same without a control socket, for tests whose files are on no file system of the JDK. */
  static Server startWithoutControl(Configuration configuration, ConfigurationSource source)
      throws RefusedException {
    return start(
        configuration,
        source,
        DurableSteps.UNWATCHED,
        Strictness.WHAT_IS_WHOLE,
        StandardBackends.all(),
        false);
  }

  /** The same with other backends. */
  static Server start(Configuration configuration, Backends backends) throws RefusedException {
    return start(
        configuration,
        ConfigurationSource.NONE,
        DurableSteps.UNWATCHED,
        Strictness.WHAT_IS_WHOLE,
        backends,
        true);
  }

  private static Server start(
      Configuration configuration,
      ConfigurationSource source,
      DurableSteps steps,
      Strictness strictness,
      Backends backends,
      boolean controlled)
      throws RefusedException {
    Server server = new Server(configuration, source, steps, strictness, backends);
    try {
      server.open(controlled);
      return server;
    } catch (RefusedException | RuntimeException e) {
      server.stop();
      throw e;
    } catch (OutOfMemoryError e) { // of a thread: without memory the process would have ended
      server.stop();
      throw new RefusedException(e.getMessage() + "; " + ThreadStart.REMEDY, e);
    }
  }

  private void open(boolean controlled) throws RefusedException {
    Configuration configuration = live.configured();
    List<Problem> hookProblems = HookRules.problems(configuration);
    if (!hookProblems.isEmpty()) {
      throw new RefusedException(
          hookProblems.stream().map(Problem::toString).collect(Collectors.joining("\n")));
    }
    List<Portal> portals = configuration.portals().stream().map(Translation::portal).toList();
    IscsiServer bound;
    try {
      bound = IscsiServer.bind(Translation.limits(configuration), portals, uses);
      iscsi = bound;
      bound.discovery(Translation.discovery(configuration));
    } catch (IOException e) {
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    }
    storage.open(configuration);
    if (!storage.leftOut().all().isEmpty()) {
      refuseErrors();
    }
    snapshots.restore();
    runtimeDevices.restore();
    refuseUnlessWhole();
    uses.sees(new ConfiguredLuns(configuration, storage));
    uses.grace(configuration.mergeGrace());
    volumeImports.complete();
    snapshots.resumeMerges();
    refuseUnlessWhole();
    targets.open().forEach(bound::put);
    snapshots.beginMerges();
    tenures.open();
    if (controlled) {
      ControlServer listening =
          ControlServer.start(controlSocket(), Verbs.all(this), this::controlLimits);
      control = listening;
      listening.group(configuration.controlGroup());
    }
    warnings.start();
    bound.listen();
    hooks.recover();
    schedules.look();
    HttpConfig status = configuration.http();
    if (status != null) {
      http = StatusServer.start(status, this, this::answer);
    }
    opened = true;
  }

  /** Where its commands are asked. */
  Path controlSocket() {
    return state.folder().resolve("control.sock");
  }

  private ControlLimits controlLimits() {
    LimitsConfig limits = live.configured().limits();
    return new ControlLimits(limits.controlCommands(), limits.controlWaiting());
  }

  /** A table that could not be made whatever the disks hold is an error in the configuration. */
  private void refuseErrors() throws RefusedException {
    List<String> errors =
        Rehearsal.regardlessOfImages(live.configured(), storage.backends(), scheduler).refusals();
    if (!errors.isEmpty()) {
      throw new RefusedException(String.join("\n", errors));
    }
  }

  private void refuseUnlessWhole() throws RefusedException {
    List<LeftOut.Entry> leftOut = storage.leftOut().all();
    if (strictness == Strictness.ALL_OR_NOTHING && !leftOut.isEmpty()) {
      throw new RefusedException(
          leftOut.stream()
              .map(entry -> entry.subject() + ": " + entry.text() + "; " + entry.remedy())
              .collect(Collectors.joining("\n")));
    }
  }

  @Override
  public List<String> reload(boolean force) throws RefusedException {
    changes.lock();
    supervisor.reloading();
    try {
      IscsiServer running = iscsi;
      if (running == null) {
        throw new RefusedException("the server is starting; reload when it is ready");
      }
      List<String> done = reloader.reload(running, force);
      schedules.look();
      ControlServer listening = control;
      if (listening != null) {
        listening.group(live.configured().controlGroup());
      }
      return done;
    } finally {
      supervisor.ready(summary());
      changes.unlock();
    }
  }

  /** Tells a service manager that this server is ready, and from now on of each reload. */
  void announceTo(Supervisor listener) {
    supervisor = listener;
    listener.ready(summary());
  }

  /** One line for people. */
  private String summary() {
    int count = live.configured().targets().size();
    int warned = warnings().size();
    return "Serving "
        + count
        + (count == 1 ? " target on " : " targets on ")
        + String.join(" ", portals())
        + (warned == 0 ? "" : "; " + warned + " to look at, see anabranch status");
  }

  /** Completes when each event loop and the scheduler have answered: none of them hangs. */
  CompletableFuture<Void> answer() {
    IscsiServer running = iscsi;
    return CompletableFuture.allOf(
        running == null ? CompletableFuture.completedFuture(null) : running.answer(),
        CompletableFuture.runAsync(() -> {}, scheduler));
  }

  /** Stops, see above. Whether everything written is durable. Later calls do nothing. */
  public boolean stop() {
    if (stopped) {
      return clean;
    }
    stopped = true;
    if (http != null) {
      http.close();
    }
    ControlServer listening = control;
    if (listening != null) {
      listening.stopListening();
    }
    warnings.close();
    exports.stop();
    volumeImports.stop();
    schedules.stop();
    snapshots.close();
    changes.close();
    schedules.close();
    if (listening != null) {
      listening.close();
    }
    volumeImports.close();
    exports.close(); // whose clients are gone, also those that did not listen
    long deadline = System.nanoTime() + Duration.ofSeconds(STOP_SECONDS).toNanos();
    IscsiServer running = iscsi;
    if (running != null) {
      if (opened) {
        LOG.info("stopping");
      }
      storage
          .devices()
          .resumeAll(
              left(deadline)); // so that initiators are answered what waits in suspended devices
      running.endSessions(Duration.ofSeconds(LOGOUT_SECONDS));
    }
    uses.close();
    clean = caches.drain(left(deadline));
    clean &= storage.devices().sync(left(deadline));
    targets.release();
    clean &= storage.close(left(deadline));
    caches.close();
    if (running != null) {
      running.endLoops(left(deadline)); // on which commands have ended till now
    }
    reservations.close();
    scheduler.close();
    state.close();
    if (!clean) {
      LOG.error("stopped, but not all that was written is durable: see the errors before");
    }
    return clean;
  }

  private static Duration left(long deadline) {
    return Duration.ofNanos(Math.max(deadline - System.nanoTime(), 0));
  }

  @Override
  public void close() {
    stop();
  }
}
