// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.config.Configuration;
import org.anabranch.iscsi.server.BoundPortal;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.server.admin.Capacity;
import org.anabranch.server.admin.Carried;
import org.anabranch.server.admin.ConfigurationSource;
import org.anabranch.server.admin.Recovery;
import org.anabranch.server.admin.Reloader;
import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.admin.Targets;
import org.anabranch.server.admin.Tenures;
import org.anabranch.server.admin.UnitIdentities;
import org.anabranch.server.admin.VolumeSize;
import org.anabranch.server.admin.Warnings;
import org.anabranch.server.backup.StateBackup;
import org.anabranch.server.base.EffectiveConfiguration;
import org.anabranch.server.base.HostPort;
import org.anabranch.server.base.LastAnswers;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.cache.WriteCaches;
import org.anabranch.server.control.ControlServer;
import org.anabranch.server.control.verbs.RunningServer;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.exports.receive.VolumeImports;
import org.anabranch.server.hooks.ConfiguredHooks;
import org.anabranch.server.hooks.HookCounts;
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
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.SuspendedDevices;
import org.anabranch.server.storage.VolumeImage;
import org.anabranch.server.uses.Uses;
import org.anabranch.server.volumes.EffectiveChange;
import org.anabranch.server.volumes.RuntimeLuns;
import org.anabranch.server.volumes.RuntimeVolumes;
import org.anabranch.server.volumes.VolumeLeftovers;
import org.anabranch.server.volumes.VolumeLimitChange;
import org.anabranch.server.volumes.VolumesOfStreams;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a server, each made of those before it: state directory, block layer, targets,
 * snapshots, what commands change, what is watched. Nothing is open yet. What verbs, metrics and
 * the status page ask for is answered from here.
 */
abstract class ServerParts implements RunningServer {
  final Changes changes = new Changes();

  final LiveConfiguration live;
  final StateDirectory state;
  final ThreadScheduler scheduler = new ThreadScheduler("scheduler");
  final Storage storage;
  final ReservationFiles reservations;
  final Carried carried;
  final VolumeRates rates = new VolumeRates(scheduler);
  final WriteCaches caches;
  final Targets targets;
  final ConfiguredHooks hooks;
  final Snapshots snapshots;
  final Schedules schedules;
  final Exports exports;
  final VolumeImports volumeImports;
  final StateFile stateFile;
  final Uses uses;
  final RuntimeDevices runtimeDevices;
  final RuntimeVolumes volumes;
  final RuntimeLuns luns;
  final VolumeLimitChange limits;
  final VolumeSize sizes;
  final Recovery recovery;
  final Tenures tenures;
  final Reloader reloader;
  final Warnings warnings;
  final Statistics statistics;
  private final LastAnswers<String, VolumeImage.Space> imageSpaces =
      new LastAnswers<>("space of an image");

  volatile @Nullable IscsiServer iscsi;
  volatile @Nullable ControlServer control;

  ServerParts(
      Configuration configuration,
      ConfigurationSource source,
      DurableSteps steps,
      Backends backends)
      throws RefusedException {
    state = StateDirectory.open(configuration.stateDir());
    reservations = new ReservationFiles(state.folder());
    WriteCaches opened = null;
    try {
      stateFile = new StateFile(state.folder().resolve("state.json"), steps);
      VolumeLeftovers.end(stateFile);
      VolumesOfStreams.make(state.folder(), stateFile, configuration);
      live = new LiveConfiguration(configuration, stateFile.state().made());
      backends.servedBy(state.serverId());
      storage = new Storage(scheduler, backends, state.folder(), stateFile::state);
      opened = WriteCaches.open(configuration.writeCache(), state.folder());
      caches = opened;
      changes.restsDuringTurns(caches);
      PortNumbers ports = PortNumbers.open(state.folder());
      carried = Carried.of(storage, reservations, ports, rates);
      targets =
          new Targets(live, storage, scheduler, carried, ports, identities(state), rates, caches);
      uses = Uses.open(state.folder(), usedBefore(state, live.configured(), stateFile.state()));
      LoggedIn initiators = new LoggedIn(live, storage, targets, uses, this::sessionInfos);
      hooks = ConfiguredHooks.open(() -> live.configured().hooks(), state.folder(), steps);
      snapshots =
          new Snapshots(storage, stateFile, state.folder(), live, changes, initiators, uses, hooks);
      schedules =
          Schedules.open(
              () -> live.configured().schedules(),
              snapshots,
              state.folder(),
              InstantSource.system(),
              new AlarmThread(),
              steps);
      exports = new Exports(storage, snapshots, live);
      volumeImports =
          new VolumeImports(
              storage, snapshots, uses, state.folder(), () -> live.configured().volumes().keySet());
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
      limits = new VolumeLimitChange(live, stateFile, changes, rates, carried.limits());
      luns = new RuntimeLuns(live, storage, stateFile, changes, effective);
      recovery =
          new Recovery(
              storage, snapshots, volumeImports, runtimeDevices, live, changes, initiators);
      tenures =
          new Tenures(storage, targets, carried, live, snapshots.arrival(), scheduler, () -> iscsi);
      sizes = new VolumeSize(live, storage, targets, stateFile, changes, initiators::sessions);
      reloader = new Reloader(source, live, storage, targets, stateFile, uses, recovery, scheduler);
      warnings = new Warnings(warningSources());
      statistics = new Statistics(storage.mapper(), targets::unit, () -> iscsi);
    } catch (RefusedException e) {
      if (opened != null) {
        opened.close();
      }
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
    sources.put("reservations", carried.reservations());
    sources.put("volume limits", carried.limits());
    sources.put("write cache", caches);
    sources.put("snapshots", snapshots);
    sources.put("hooks", hooks);
    sources.put("schedules", schedules);
    sources.put("uses", uses);
    sources.put("control", this::controlWarnings);
    sources.put("volumes", volumes);
    sources.put("imports", volumeImports);
    sources.put("luns", luns);
    sources.put(
        "files",
        new BackendConditions(
            storage.files(),
            storage.backends(),
            snapshots::isStore,
            () -> live.configured().stores().warnBelow()));
    return sources;
  }

  private List<Warning> controlWarnings() {
    ControlServer listening = control;
    return listening == null ? List.of() : listening.warnings();
  }

  @Override
  public Statistics statistics() {
    return statistics;
  }

  @Override
  public Recovery recovery() {
    return recovery;
  }

  @Override
  public Tenures tenures() {
    return tenures;
  }

  /** All that a server before this one can have served; each has its own end of being unknown. */
  private static Set<String> usedBefore(
      StateDirectory folder, Configuration configuration, RuntimeState state) {
    if (!folder.wasUsed()) {
      return Set.of();
    }
    Set<String> devices = new TreeSet<>(configuration.volumes().keySet());
    devices.addAll(configuration.devices().keySet());
    devices.addAll(state.devices().keySet());
    devices.addAll(state.snapshots().keySet());
    state.snapshots().values().forEach(snapshot -> devices.add(snapshot.volume()));
    return devices;
  }

  private static UnitIdentities identities(StateDirectory folder) throws RefusedException {
    return new UnitIdentities(
        new IdentityFile(folder.folder()), folder.serverId(), folder.wasUsed());
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

  @Override
  public VolumeLimitChange limits() {
    return limits;
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
  public LastAnswers<String, VolumeImage.Space> imageSpaces() {
    return imageSpaces;
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

  /** Where it listens, {@code address:port}, with the ports that were found for port 0. */
  @Override
  public List<String> portals() {
    IscsiServer running = iscsi;
    return running == null
        ? List.of()
        : running.portals().stream().map(BoundPortal::address).map(HostPort::text).toList();
  }
}
