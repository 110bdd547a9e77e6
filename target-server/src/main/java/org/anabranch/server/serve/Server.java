// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.config.Configuration;
import org.anabranch.config.HttpConfig;
import org.anabranch.config.LimitsConfig;
import org.anabranch.config.Problem;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.server.BoundPortal;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.server.admin.Capacity;
import org.anabranch.server.admin.ConfigurationSource;
import org.anabranch.server.admin.ConfiguredLuns;
import org.anabranch.server.admin.Recovery;
import org.anabranch.server.admin.Reloader;
import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.admin.Targets;
import org.anabranch.server.admin.Translation;
import org.anabranch.server.admin.UnitIdentities;
import org.anabranch.server.admin.VolumeSize;
import org.anabranch.server.admin.Warnings;
import org.anabranch.server.backup.StateBackup;
import org.anabranch.server.base.EffectiveConfiguration;
import org.anabranch.server.base.HostPort;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.ThreadStart;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.control.ControlLimits;
import org.anabranch.server.control.ControlServer;
import org.anabranch.server.control.verbs.RunningServer;
import org.anabranch.server.control.verbs.Verbs;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.exports.VolumeImports;
import org.anabranch.server.hooks.ConfiguredHooks;
import org.anabranch.server.hooks.HookCounts;
import org.anabranch.server.hooks.HookRules;
import org.anabranch.server.http.StatusServer;
import org.anabranch.server.rate.VolumeRates;
import org.anabranch.server.schedule.AlarmThread;
import org.anabranch.server.schedule.Schedules;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.IdentityFile;
import org.anabranch.server.state.PortNumbers;
import org.anabranch.server.state.ReservationFiles;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.stats.Statistics;
import org.anabranch.server.storage.BackendConditions;
import org.anabranch.server.storage.Backends;
import org.anabranch.server.storage.LeftOut;
import org.anabranch.server.storage.Rehearsal;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.SuspendedDevices;
import org.anabranch.server.systemd.Supervisor;
import org.anabranch.server.uses.Uses;
import org.anabranch.server.volumes.EffectiveChange;
import org.anabranch.server.volumes.RuntimeLuns;
import org.anabranch.server.volumes.RuntimeVolumes;
import org.anabranch.server.volumes.VolumeLeftovers;
import org.anabranch.server.volumes.VolumesOfStreams;
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
public final class Server implements RunningServer, AutoCloseable {
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
  private final Changes changes = new Changes();

  private final LiveConfiguration live;
  private final StateDirectory state;
  private final ThreadScheduler scheduler = new ThreadScheduler("scheduler");
  private final Storage storage;
  private final ReservationFiles reservations;
  private final VolumeRates rates = new VolumeRates(scheduler);
  private final Targets targets;
  private final ConfiguredHooks hooks;
  private final Snapshots snapshots;
  private final Schedules schedules;
  private final Exports exports;
  private final VolumeImports volumeImports;
  private final StateFile stateFile;
  private final Uses uses;
  private final RuntimeDevices runtimeDevices;
  private final RuntimeVolumes volumes;
  private final RuntimeLuns luns;
  private final VolumeSize sizes;
  private final Recovery recovery;
  private final Reloader reloader;
  private final Warnings warnings;
  private final Statistics statistics;

  private volatile Supervisor supervisor = Supervisor.NONE; // set once the start is through
  private volatile @Nullable IscsiServer iscsi;
  private volatile @Nullable ControlServer control;
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
    this.strictness = strictness;
    state = StateDirectory.open(configuration.stateDir());
    reservations = new ReservationFiles(state.folder());
    try {
      stateFile = new StateFile(state.folder().resolve("state.json"), steps);
      VolumeLeftovers.end(stateFile);
      VolumesOfStreams.make(state.folder(), stateFile, configuration);
      live = new LiveConfiguration(configuration, stateFile.state().made());
      storage = new Storage(scheduler, backends, state.folder(), stateFile::state);
      targets =
          new Targets(
              live,
              storage,
              scheduler,
              reservations,
              PortNumbers.open(state.folder()),
              new UnitIdentities(
                  new IdentityFile(state.folder()), state.serverId(), state.wasUsed()),
              rates);
      uses =
          Uses.open(
              state.folder(),
              state.wasUsed() ? usedBefore(live.configured(), stateFile.state()) : Set.of());
      LoggedIn initiators = new LoggedIn(live, storage, targets, uses, this::sessionInfos);
      hooks = ConfiguredHooks.open(() -> live.configured().hooks(), state.folder());
      snapshots =
          new Snapshots(storage, stateFile, state.folder(), live, changes, initiators, uses, hooks);
      schedules =
          Schedules.open(
              () -> live.configured().schedules(),
              snapshots,
              state.folder(),
              InstantSource.system(),
              new AlarmThread());
      exports = new Exports(storage, snapshots, live);
      volumeImports = new VolumeImports(storage, snapshots, uses, state.folder());
      runtimeDevices = new RuntimeDevices(live, storage, stateFile, changes);
      EffectiveChange effective =
          new EffectiveChange(live, storage, targets, stateFile, uses, () -> iscsi);
      volumes =
          new RuntimeVolumes(
              live,
              storage,
              targets,
              snapshots,
              exports,
              volumeImports,
              stateFile,
              changes,
              uses,
              effective);
      luns = new RuntimeLuns(live, storage, stateFile, changes, effective);
      recovery =
          new Recovery(
              storage, snapshots, volumeImports, runtimeDevices, live, changes, initiators);
      sizes = new VolumeSize(live, storage, targets, stateFile, changes, initiators::sessions);
      reloader = new Reloader(source, live, storage, targets, stateFile, uses, recovery, scheduler);
      warnings = new Warnings(warningSources());
      statistics = new Statistics(storage.mapper(), targets::unit, () -> iscsi);
    } catch (RefusedException e) {
      reservations.close();
      scheduler.close();
      state.close();
      throw e;
    }
  }

  private SequencedMap<String, WarningSource> warningSources() {
    SequencedMap<String, WarningSource> sources = new LinkedHashMap<>();
    sources.put("configuration", reloader);
    sources.put("limits", () -> Capacity.ofThisProcess().fit(live.configured()).warnings());
    sources.put("devices", new SuspendedDevices(storage.mapper(), changes));
    sources.put("storage", storage);
    sources.put("targets", targets);
    sources.put("snapshots", snapshots);
    sources.put("hooks", hooks);
    sources.put("schedules", schedules);
    sources.put("uses", uses);
    sources.put("control", this::controlWarnings);
    sources.put("volumes", volumes);
    sources.put("luns", luns);
    sources.put(
        "files",
        new BackendConditions(
            storage.files(),
            storage.backends(),
            address -> snapshots.isStore(Path.of(address)),
            () -> live.configured().stores().warnBelow()));
    return sources;
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
    return start(configuration, source, DurableSteps.UNWATCHED, strictness, StandardBackends.ALL);
  }

  /** The same, watched. */
  public static Server start(
      Configuration configuration, ConfigurationSource source, DurableSteps steps)
      throws RefusedException {
    return start(configuration, source, steps, Strictness.WHAT_IS_WHOLE, StandardBackends.ALL);
  }

  /** The same with other backends. */
  static Server start(Configuration configuration, Backends backends) throws RefusedException {
    return start(
        configuration,
        ConfigurationSource.NONE,
        DurableSteps.UNWATCHED,
        Strictness.WHAT_IS_WHOLE,
        backends);
  }

  private static Server start(
      Configuration configuration,
      ConfigurationSource source,
      DurableSteps steps,
      Strictness strictness,
      Backends backends)
      throws RefusedException {
    Server server = new Server(configuration, source, steps, strictness, backends);
    try {
      server.open();
      return server;
    } catch (RefusedException | RuntimeException e) {
      server.stop();
      throw e;
    } catch (OutOfMemoryError e) { // of a thread: without memory the process would have ended
      server.stop();
      throw new RefusedException(e.getMessage() + "; " + ThreadStart.REMEDY, e);
    }
  }

  private void open() throws RefusedException {
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
    ControlServer listening =
        ControlServer.start(controlSocket(), Verbs.all(this), this::controlLimits);
    control = listening;
    listening.group(configuration.controlGroup());
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

  private List<Warning> controlWarnings() {
    ControlServer listening = control;
    return listening == null ? List.of() : listening.warnings();
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

  @Override
  public Statistics statistics() {
    return statistics;
  }

  @Override
  public Recovery recovery() {
    return recovery;
  }

  /** All that a server before this one can have served; each has its own end of being unknown. */
  private static Set<String> usedBefore(Configuration configuration, RuntimeState state) {
    Set<String> devices = new TreeSet<>(configuration.volumes().keySet());
    devices.addAll(configuration.devices().keySet());
    devices.addAll(state.devices().keySet());
    devices.addAll(state.snapshots().keySet());
    state.snapshots().values().forEach(snapshot -> devices.add(snapshot.volume()));
    return devices;
  }

  /** Gives a volume another size. */
  @Override
  public VolumeSize.Resized resize(String volume, long sectors, boolean more, boolean force)
      throws RefusedException {
    return sizes.resize(volume, sectors, more, force);
  }

  @Override
  public VolumeRates rates() {
    return rates;
  }

  /** The sessions that are logged in, those for discovery included. */
  @Override
  public List<SessionInfo> sessionInfos() {
    IscsiServer running = iscsi;
    return running == null ? List.of() : running.sessionInfos();
  }

  /** Ends a session; whether there was one. */
  @Override
  public boolean drop(int tsih) {
    IscsiServer running = iscsi;
    return running != null && running.drop(tsih);
  }

  @Override
  public List<Warning> warnings() {
    return warnings.now();
  }

  @Override
  public Configuration configuration() {
    return live.configured();
  }

  @Override
  public Storage storage() {
    return storage;
  }

  @Override
  public DeviceMapper mapper() {
    return storage.mapper();
  }

  @Override
  public Snapshots snapshots() {
    return snapshots;
  }

  @Override
  public HookCounts hookCounts() {
    return hooks.counts();
  }

  @Override
  public Schedules schedules() {
    return schedules;
  }

  @Override
  public Exports exports() {
    return exports;
  }

  @Override
  public VolumeImports volumeImports() {
    return volumeImports;
  }

  @Override
  public RuntimeDevices runtimeDevices() {
    return runtimeDevices;
  }

  @Override
  public RuntimeVolumes volumes() {
    return volumes;
  }

  @Override
  public RuntimeLuns luns() {
    return luns;
  }

  @Override
  public byte[] stateBackup() throws RefusedException {
    return StateBackup.of(state.folder(), changes);
  }

  @Override
  public EffectiveConfiguration effective() {
    return live.effective();
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

  /** Where it listens, {@code address:port}, with the ports that were found for port 0. */
  @Override
  public List<String> portals() {
    IscsiServer running = iscsi;
    return running == null
        ? List.of()
        : running.portals().stream().map(BoundPortal::address).map(HostPort::text).toList();
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
    clean = storage.devices().sync(left(deadline));
    targets.release();
    clean &= storage.close(left(deadline));
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
