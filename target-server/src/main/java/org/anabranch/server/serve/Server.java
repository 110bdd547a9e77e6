// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.LimitsConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.server.BoundPortal;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.server.admin.ConfiguredLuns;
import org.anabranch.server.admin.LunUse;
import org.anabranch.server.admin.MadeDevices;
import org.anabranch.server.admin.Recovery;
import org.anabranch.server.admin.Reload;
import org.anabranch.server.admin.Targets;
import org.anabranch.server.admin.Translation;
import org.anabranch.server.admin.UnitIdentities;
import org.anabranch.server.admin.VolumeSize;
import org.anabranch.server.admin.Warnings;
import org.anabranch.server.base.HostPort;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.control.ControlLimits;
import org.anabranch.server.control.ControlServer;
import org.anabranch.server.control.verbs.RunningServer;
import org.anabranch.server.control.verbs.Verbs;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.snapshots.Initiators;
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
 *       the state directory is unlocked. A disk that hangs is waited for a minute each time.
 *   <dt>What happens when a start is refused half way?
 *   <dd>What was made is taken down again. Files that were made for volumes stay.
 * </dl>
 */
public final class Server implements RunningServer, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final int LOGOUT_SECONDS = 3;

  /** Where a server's configuration comes from, each time anew. */
  public interface Source {
    /** Reads it. */
    Configuration read() throws InvalidConfigurationException, RefusedException;
  }

  /** What happens at the start when something is missing or damaged. */
  public enum Strictness {
    /** It is left out, and the rest is served. */
    WHAT_IS_WHOLE,
    /** The server does not start. */
    ALL_OR_NOTHING
  }

  /** There is no file to read again. */
  static final Source NO_FILE =
      () -> {
        throw new RefusedException(
            "the server was started without a configuration file: there is nothing to reload;"
                + " serve --config FILE has one");
      };

  private final Source source;
  private final Strictness strictness;
  private final Changes changes = new Changes();

  /** Those of the configuration, for those who look after snapshots. Changed by a reload. */
  private final Map<String, VolumeConfig> volumes = new ConcurrentSkipListMap<>();

  private volatile Configuration configuration; // changed by a reload
  private final StateDirectory state;
  private final ThreadScheduler scheduler = new ThreadScheduler("scheduler");
  private final Storage storage;
  private final ReservationFiles reservations;
  private final Targets targets;
  private final Snapshots snapshots;
  private final Exports exports;
  private final StateFile stateFile;
  private final Uses uses;
  private final MadeDevices madeDevices;
  private final VolumeSize sizes;
  private final Recovery recovery;
  private final Warnings warnings;
  private final Statistics statistics;

  /** Why the file was not applied the last time; null when it was. */
  private volatile @Nullable String reloadRefusal;

  private volatile Supervisor supervisor = Supervisor.NONE; // set once the start is through
  private volatile @Nullable IscsiServer iscsi;
  private @Nullable ControlServer control;
  private boolean opened;
  private boolean stopped;
  private boolean clean;

  private Server(
      Configuration configuration,
      Source source,
      DurableSteps steps,
      Strictness strictness,
      Backends backends)
      throws RefusedException {
    this.configuration = configuration;
    this.strictness = strictness;
    this.source = source;
    volumes.putAll(configuration.volumes());
    state = StateDirectory.open(configuration.stateDir());
    reservations = new ReservationFiles(state.folder());
    try {
      stateFile = new StateFile(state.folder().resolve("state.json"), steps);
      storage = new Storage(scheduler, backends, state.folder(), stateFile::state);
      targets =
          new Targets(
              configuration,
              storage,
              scheduler,
              reservations,
              PortNumbers.open(state.folder()),
              new UnitIdentities(
                  new IdentityFile(state.folder()), state.serverId(), state.wasUsed()));
      uses = Uses.open(state.folder(), usedBefore(stateFile.state()));
      LoggedIn initiators = new LoggedIn();
      snapshots =
          new Snapshots(
              storage,
              stateFile,
              state.folder(),
              volumes,
              configuration.stores(),
              changes,
              initiators,
              uses);
      exports = new Exports(storage, snapshots);
      madeDevices = new MadeDevices(storage, stateFile, changes);
      recovery = new Recovery(storage, snapshots, madeDevices, volumes, changes, initiators);
      sizes = new VolumeSize(storage, targets, stateFile, changes, initiators::sessions);
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
    sources.put("configuration", this::configurationWarnings);
    sources.put("devices", new SuspendedDevices(storage.mapper(), changes));
    sources.put("storage", storage);
    sources.put("targets", targets);
    sources.put("snapshots", snapshots);
    sources.put("uses", uses);
    sources.put(
        "files",
        new BackendConditions(
            storage.files(),
            storage.backends(),
            address -> snapshots.isStore(Path.of(address)),
            () -> configuration.stores().warnBelow()));
    return sources;
  }

  private List<Warning> configurationWarnings() {
    String refusal = reloadRefusal;
    return refusal == null
        ? List.of()
        : List.of(
            new Warning(
                "configuration",
                "the last reload was refused, and the server runs with the configuration from"
                    + " before: "
                    + refusal.strip().replace("\n", "; "),
                "correct the file, then anabranch reload"));
  }

  /** Starts with a configuration that does not change. */
  public static Server start(Configuration configuration) throws RefusedException {
    return start(configuration, NO_FILE);
  }

  /**
   * Starts; logins are accepted when this returns.
   *
   * @param source of what a {@link #reload} applies
   */
  public static Server start(Configuration configuration, Source source) throws RefusedException {
    return start(configuration, source, Strictness.WHAT_IS_WHOLE);
  }

  /** The same, and what to do when something is missing or damaged. */
  public static Server start(Configuration configuration, Source source, Strictness strictness)
      throws RefusedException {
    return start(configuration, source, DurableSteps.UNWATCHED, strictness, StandardBackends.ALL);
  }

  /** The same, watched. */
  public static Server start(Configuration configuration, Source source, DurableSteps steps)
      throws RefusedException {
    return start(configuration, source, steps, Strictness.WHAT_IS_WHOLE, StandardBackends.ALL);
  }

  /** The same with other backends. */
  static Server start(Configuration configuration, Backends backends) throws RefusedException {
    return start(
        configuration, NO_FILE, DurableSteps.UNWATCHED, Strictness.WHAT_IS_WHOLE, backends);
  }

  private static Server start(
      Configuration configuration,
      Source source,
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
    }
  }

  private void open() throws RefusedException {
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
    madeDevices.restore();
    refuseUnlessWhole();
    uses.sees(new ConfiguredLuns(configuration, storage));
    uses.grace(configuration.mergeGrace());
    snapshots.resumeMerges();
    refuseUnlessWhole();
    targets.open().forEach(bound::put);
    control =
        ControlServer.start(
            state.folder().resolve("control.sock"), Verbs.all(this), this::controlLimits);
    warnings.start();
    bound.listen();
    opened = true;
  }

  private ControlLimits controlLimits() {
    LimitsConfig limits = configuration.limits();
    return new ControlLimits(limits.controlCommands(), limits.controlWaiting());
  }

  /** A table that could not be made whatever the disks hold is an error in the configuration. */
  private void refuseErrors() throws RefusedException {
    List<String> errors =
        Rehearsal.regardlessOfImages(configuration, storage.backends(), scheduler).refusals();
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

  /**
   * Reads the configuration again and applies what has changed, see {@link ReloadPlan}: all of it,
   * or nothing.
   *
   * @param force also when sessions lose LUNs
   * @return a line for each change
   * @throws RefusedException with a line for each mistake; nothing has changed
   */
  @Override
  public List<String> reload(boolean force) throws RefusedException {
    changes.lock();
    supervisor.reloading();
    try {
      IscsiServer running = iscsi;
      if (running == null) {
        throw new RefusedException("the server is starting; reload when it is ready");
      }
      Configuration after = source.read();
      Set<String> leftOut =
          storage.leftOut().all().stream().map(LeftOut.Entry::name).collect(Collectors.toSet());
      Configuration whole = after.withoutDevices(leftOut);
      Reload reload =
          new Reload(
              storage,
              targets,
              running,
              stateFile.state(),
              configuration.withoutDevices(leftOut),
              whole,
              after,
              force ? null : new LunUse(configuration, sessionInfos()));
      reloadRefusal = null;
      if (!reload.plan().isEmpty() || !leftOut.isEmpty()) {
        Targets.Change change = prepare(reload, after);
        volumes.putAll(whole.volumes());
        volumes.keySet().retainAll(whole.volumes().keySet());
        configuration = after;
        snapshots.stores(after.stores());
        reload.commit(change);
        uses.sees(new ConfiguredLuns(after, storage));
        uses.grace(after.mergeGrace());
      }
      reload.plan().summary().forEach(line -> LOG.info("reload: {}", line));
      List<String> lines = new ArrayList<>(reload.plan().summary());
      lines.addAll(recovery.retry(after));
      return lines;
    } catch (InvalidConfigurationException e) {
      reloadRefusal = e.getMessage();
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    } finally {
      supervisor.ready(summary());
      changes.unlock();
    }
  }

  /** Prepares a reload. Who sees more LUNs after it uses them before they are there. */
  private Targets.Change prepare(Reload reload, Configuration after) throws RefusedException {
    try {
      uses.willSee(new ConfiguredLuns(after, storage));
      return reload.prepare(scheduler);
    } catch (RefusedException e) {
      uses.sees(new ConfiguredLuns(configuration, storage));
      reloadRefusal = e.getMessage();
      throw e;
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

  /**
   * What may be used by initiators that an older version of the server did not record: volumes that
   * have snapshots, and those.
   */
  private static Set<String> usedBefore(RuntimeState state) {
    Set<String> devices = new TreeSet<>(state.snapshots().keySet());
    state.snapshots().values().forEach(snapshot -> devices.add(snapshot.volume()));
    return devices;
  }

  /** Gives a volume another size. */
  @Override
  public VolumeSize.Resized resize(String volume, long sectors, boolean more, boolean force)
      throws RefusedException {
    return sizes.resize(volumes, volume, sectors, more, force);
  }

  /** Who uses what, for {@link Snapshots}. */
  private final class LoggedIn implements Initiators {
    @Override
    public int sessions(String device) {
      return new LunUse(configuration, sessionInfos()).of(targets.madeOf(device)).size();
    }

    @Override
    public void appeared(String device) throws RefusedException {
      targets.appeared(device);
    }

    @Override
    public void vanishing(String device) throws RefusedException {
      targets.vanishing(device);
    }

    @Override
    public void contentsChanged(String device) {
      targets.contentsChanged(device);
    }
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
    return configuration;
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
  public Exports exports() {
    return exports;
  }

  @Override
  public MadeDevices madeDevices() {
    return madeDevices;
  }

  /** Tells a service manager that this server is ready, and from now on of each reload. */
  void announceTo(Supervisor listener) {
    supervisor = listener;
    listener.ready(summary());
  }

  /** One line for people. */
  private String summary() {
    int count = configuration.targets().size();
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
    if (control != null) {
      control.stopListening();
    }
    warnings.close();
    exports.stop();
    snapshots.close();
    changes.close();
    if (control != null) {
      control.close();
    }
    exports.close(); // whose clients are gone, also those that did not listen
    IscsiServer running = iscsi;
    if (running != null) {
      if (opened) {
        LOG.info("stopping");
      }
      storage.resumeAll(); // so that initiators are answered what waits in suspended devices
      running.endSessions(Duration.ofSeconds(LOGOUT_SECONDS));
    }
    uses.close();
    clean = storage.sync();
    targets.release();
    clean &= storage.close();
    if (running != null) {
      running.endLoops(Duration.ofSeconds(LOGOUT_SECONDS)); // on which commands have ended till now
    }
    reservations.close();
    scheduler.close();
    state.close();
    return clean;
  }

  @Override
  public void close() {
    stop();
  }
}
