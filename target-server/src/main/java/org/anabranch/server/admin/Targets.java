// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Limits;
import org.anabranch.block.Scheduler;
import org.anabranch.block.SharedDevice;
import org.anabranch.block.Tenure;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.config.Configuration;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.AccessState;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.device.TargetDevice;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.PathAccess;
import org.anabranch.scsi.unit.UnitProperties;
import org.anabranch.scsi.unit.UnitRegistry;
import org.anabranch.scsi.unit.UnitView;
import org.anabranch.server.base.EffectiveConfiguration;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.cache.WriteCaches;
import org.anabranch.server.rate.VolumeRates;
import org.anabranch.server.state.PortNumbers;
import org.anabranch.server.storage.StackedLuns;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The iSCSI targets of a configuration, over the devices of {@link Storage}. Any thread; one call
 * at a time.
 *
 * <p>A LUN may name a snapshot that is not there: it is attached when the snapshot {@link
 * #appeared} and taken away before it goes, and initiators are told both times.
 */
public final class Targets implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(Targets.class);

  /** A LUN that is there, holding its device open. */
  private record Attached(String target, LunConfig lun, OpenDevice open, UnitView view) {}

  private final LiveConfiguration live;
  private final Storage storage;
  private final Scheduler scheduler;
  private final Carried carried;
  private final PortNumbers ports;
  private final UnitIdentities identities;
  private final VolumeRates rates;
  private final WriteCaches caches;
  private final UnitRegistry units = new UnitRegistry();
  private final Map<String, TargetDevice> devices = new TreeMap<>(); // guarded by this
  private final List<Attached> attached = new ArrayList<>(); // guarded by this

  /**
   * @param carried who has reserved the disks, and limits of volumes that others may serve
   * @param identities what the disks are called
   * @param rates how much initiators may do with volumes
   * @param caches what their LUNs use in place of volumes and snapshots
   */
  public Targets(
      LiveConfiguration live,
      Storage storage,
      Scheduler scheduler,
      Carried carried,
      PortNumbers ports,
      UnitIdentities identities,
      VolumeRates rates,
      WriteCaches caches) {
    this.live = live;
    this.storage = storage;
    this.scheduler = scheduler;
    this.carried = carried;
    this.ports = ports;
    this.identities = identities;
    this.rates = rates;
    this.caches = caches;
  }

  /** A node for each target, with the LUNs whose devices are there. */
  public synchronized List<TargetNode> open() throws RefusedException {
    Configuration configuration = live.configured();
    rates.configured(live.effective());
    identities.settle(configuration, this::isLeftOut, storage::image);
    replay(configuration);
    List<TargetNode> nodes = new ArrayList<>();
    for (TargetConfig target : configuration.targets().values()) {
      TargetDevice device = new TargetDevice(ports(configuration, target), scheduler);
      devices.put(target.name(), device);
      for (LunConfig lun : target.luns().values()) {
        if (isThere(target, lun)) {
          attach(device, make(configuration, target, lun));
        }
      }
      nodes.add(Translation.node(target, device));
    }
    caches.started(!storage.leftOut().all().isEmpty());
    carried
        .reservations()
        .reportStrays(
            units.units().stream()
                .map(unit -> unit.properties().identity().id())
                .collect(Collectors.toSet()));
    return nodes;
  }

  private TargetDevice known(String target) {
    return Objects.requireNonNull(devices.get(target), target);
  }

  /** The ports of a target, with the relative port identifiers that stay theirs. */
  private List<TargetPort> ports(Configuration of, TargetConfig target) throws RefusedException {
    Set<String> inUse = new HashSet<>();
    for (TargetConfig each : of.targets().values()) {
      Translation.ports(each, of).forEach(port -> inUse.add(port.portName()));
    }
    List<TargetPort> numbered = new ArrayList<>();
    for (TargetPort port : Translation.ports(target, of)) {
      int number = ports.number(port.portName(), inUse::contains);
      numbered.add(new TargetPort(port.targetName(), port.portalGroupTag(), number));
    }
    return numbered;
  }

  /** A snapshot need not be there, nor what is left out. */
  private boolean isThere(TargetConfig target, LunConfig lun) {
    boolean there = storage.devices().has(lun.device());
    if (!there) {
      LOG.info("target {}: LUN {} waits for {}", target.name(), lun.number(), lun.device());
    }
    return there;
  }

  private boolean isLeftOut(String volume) {
    return storage.leftOut().get(volume) != null;
  }

  /** Makes a unit on a device that it holds from here on; nobody sees it yet. */
  private Attached make(Configuration of, TargetConfig target, LunConfig lun)
      throws RefusedException {
    String what = "target " + target.name() + ", LUN " + lun.number() + ": ";
    OpenDevice open;
    try {
      open = storage.devices().hold(lun.device());
    } catch (RefusedException e) {
      throw new RefusedException(what + e.getMessage(), e);
    }
    try {
      PathAccess access = lun.readOnly() ? PathAccess.READ_ONLY : PathAccess.READ_WRITE;
      UnitView view = units.view(open.device(), access, () -> unit(of, lun.device(), open));
      return new Attached(target.name(), lun, open, view);
    } catch (IOException e) {
      open.release();
      throw new RefusedException(what + e.getMessage(), e);
    }
  }

  /** The unit of a device that has none yet. */
  private LogicalUnit unit(Configuration of, String deviceName, OpenDevice open)
      throws IOException {
    SortedMap<Integer, String> before = new TreeMap<>();
    for (TargetConfig target : of.targets().values()) {
      if (target.luns().values().stream().anyMatch(lun -> lun.device().equals(deviceName))) {
        before.put(earlierPort(of, target), identities.earlier(target.name(), deviceName).serial());
      }
    }
    UnitIdentity identity;
    try {
      identity = identities.of(of, deviceName);
    } catch (RefusedException e) {
      throw new IOException(e.getMessage(), e);
    }
    UnitProperties properties = properties(of, deviceName, identity, open.device().limits());
    LogicalUnit unit =
        DiskUnit.of(
            used(of, deviceName, open.device()),
            properties,
            scheduler,
            carried.reservations().of(volumeOf(deviceName), properties.identity().id(), before));
    if (volumeOf(deviceName).equals(deviceName)) {
      carried.limits().arrive(deviceName);
    }
    unit.pace().limitedBy(rates.limiter(deviceName));
    SharedDevice shared = storage.shared(volumeOf(deviceName));
    if (shared != null) {
      unit.shared(
          identities.portGroup(),
          () ->
              shared.tenure() instanceof Tenure.Active
                  ? AccessState.ACTIVE_OPTIMIZED
                  : AccessState.STANDBY);
    }
    return unit;
  }

  /** A volume or snapshot with its write cache, if it has one. */
  private BlockDevice used(Configuration of, String deviceName, BlockDevice device)
      throws IOException {
    if (!isCached(of, deviceName)) {
      return device;
    }
    try {
      return caches.over(device, identities.of(of, deviceName).id());
    } catch (RefusedException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** The volume of a device; null if it is of {@code devices}. */
  private static @Nullable VolumeConfig volumeOf(Configuration of, String deviceName) {
    int at = deviceName.indexOf('@');
    return of.volumes().get(at < 0 ? deviceName : deviceName.substring(0, at));
  }

  private boolean isCached(Configuration of, String deviceName) {
    VolumeConfig volume = volumeOf(of, deviceName);
    return caches.hasRing() && volume != null && WriteCaches.serves(volume.source());
  }

  /**
   * Replays what volumes and snapshots have in the write cache's ring, before anybody uses them.
   * Snapshots come first: the room in a store that their acknowledged writes had is theirs again
   * only if no write to the volume takes it before.
   */
  private void replay(Configuration configuration) throws RefusedException {
    if (!caches.hasRing()) {
      return;
    }
    List<String> names = new ArrayList<>(storage.mapper().ls());
    names.sort(Comparator.comparing(name -> volumeOf(name).equals(name)));
    for (String name : names) {
      if (isCached(configuration, name)) {
        try (OpenDevice open = storage.devices().hold(name)) {
          String identity = identities.of(configuration, name).id();
          if (caches.hasLeft(identity)) {
            var _ = caches.over(open.device(), identity);
          }
        }
      }
    }
  }

  /** An earlier version knew no port of a target but the first. */
  private int earlierPort(Configuration of, TargetConfig target) throws IOException {
    try {
      List<TargetPort> its = ports(of, target);
      return its.isEmpty() ? 1 : its.getFirst().relativeIdentifier();
    } catch (RefusedException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private void attach(TargetDevice device, Attached lun) {
    attached.add(lun);
    device.attach(lun.lun.number(), lun.view, Translation.visibleTo(lun.lun));
  }

  /** Attaches the LUNs that name a device which is there now, but for those that are attached. */
  public synchronized void appeared(String deviceName) throws RefusedException {
    Configuration configuration = live.configured();
    for (TargetConfig target : configuration.targets().values()) {
      TargetDevice device = devices.get(target.name());
      for (LunConfig lun : target.luns().values()) {
        if (device != null // else before open
            && lun.device().equals(deviceName)
            && !isAttached(target, lun)) {
          attach(device, make(configuration, target, lun));
        }
      }
    }
  }

  private boolean isAttached(TargetConfig target, LunConfig lun) { // with this held
    return attached.stream()
        .anyMatch(each -> each.target.equals(target.name()) && each.lun.number() == lun.number());
  }

  /** What another configuration means for the targets: ready to be done, and not done yet. */
  public final class Change {
    private final EffectiveConfiguration effective;
    private final Configuration after;
    private final List<Attached> made = new ArrayList<>();
    private final Map<String, TargetDevice> newDevices = new TreeMap<>();
    private final Map<String, List<TargetPort>> targetPorts = new TreeMap<>();

    private Change(EffectiveConfiguration effective) {
      this.effective = effective;
      this.after = effective.whole();
    }

    /**
     * Does it, and makes it the live configuration. Sessions of targets that are no more, or do not
     * admit them any more, are ended; those that see other LUNs than before are told so; no other
     * session is touched.
     *
     * @param leftOut volumes and devices that are not served
     * @return done when what was taken away has ended its commands and let go of its devices
     */
    public CompletionStage<?> commit(IscsiServer iscsi, Set<String> leftOut) {
      synchronized (Targets.this) {
        Configuration before = live.configured();
        live.replace(effective, leftOut);
        rates.configured(effective);
        for (String name : before.targets().keySet()) {
          if (!after.targets().containsKey(name)) {
            iscsi.remove(name);
          }
        }
        List<CompletableFuture<?>> ends = new ArrayList<>();
        for (Attached lun : List.copyOf(attached)) {
          if (!isKept(lun, after)) {
            ends.add(detach(lun).toCompletableFuture());
          } else {
            mask(lun);
          }
        }
        devices.keySet().retainAll(after.targets().keySet());
        devices.putAll(newDevices);
        targetPorts.forEach((name, its) -> known(name).ports(its));
        for (Attached lun : made) {
          attach(known(lun.target), lun);
        }
        for (TargetConfig target : after.targets().values()) {
          TargetConfig old = before.targets().get(target.name());
          if (old == null || !ReloadPlan.sameAdmission(old, target)) {
            iscsi.put(Translation.node(target, known(target.name())));
          }
        }
        return CompletableFuture.allOf(ends.toArray(CompletableFuture<?>[]::new));
      }
    }

    /** Only its initiators may be others. */
    private void mask(Attached lun) {
      LunConfig now = configured(lun, after);
      if (now != null && !now.equals(lun.lun)) {
        attached.set(attached.indexOf(lun), new Attached(lun.target, now, lun.open, lun.view));
        known(lun.target).attach(now.number(), lun.view, Translation.visibleTo(now));
      }
    }

    /** Leaves everything as it is. */
    public void cancel() {
      made.forEach(lun -> lun.view.close(() -> lun.open.release()));
    }
  }

  private static @Nullable LunConfig configured(Attached lun, Configuration after) {
    TargetConfig target = after.targets().get(lun.target);
    return target == null ? null : target.luns().get(lun.lun.number());
  }

  /** Whether another configuration has the LUN as it is, but for who sees it. */
  private static boolean isKept(Attached lun, Configuration after) {
    LunConfig now = configured(lun, after);
    return now != null
        && now.device().equals(lun.lun.device())
        && now.readOnly() == lun.lun.readOnly();
  }

  /**
   * Prepares what another configuration wants. Its devices are there; one that is to go may still
   * be there.
   */
  public synchronized Change prepare(EffectiveConfiguration effective) throws RefusedException {
    Configuration after = effective.whole();
    identities.settle(after, this::isLeftOut, storage::image);
    Change change = new Change(effective);
    try {
      for (TargetConfig target : after.targets().values()) {
        List<TargetPort> its = ports(after, target);
        change.targetPorts.put(target.name(), its);
        if (!devices.containsKey(target.name())) {
          change.newDevices.put(target.name(), new TargetDevice(its, scheduler));
        }
        for (LunConfig lun : target.luns().values()) {
          boolean kept =
              attached.stream()
                  .anyMatch(each ->
                      each.target.equals(target.name())
                          && each.lun.number() == lun.number()
                          && isKept(each, after));
          if (!kept && isThere(target, lun)) {
            change.made.add(make(after, target, lun));
          }
        }
      }
      return change;
    } catch (RefusedException e) {
      change.cancel();
      throw e;
    }
  }

  /** Done when its device is let go. */
  private CompletionStage<@Nullable Void> detach(Attached lun) {
    attached.remove(lun);
    TargetDevice device = devices.get(lun.target);
    CompletableFuture<@Nullable Void> ended = new CompletableFuture<>();
    if (device == null) {
      lun.view.close(() -> ended.complete(null));
    } else {
      device.detach(lun.lun.number(), () -> ended.complete(null));
    }
    return ended.thenCompose(done -> lun.open.release());
  }

  /** Takes the LUNs of a device away, and lets go of it when their commands have ended. */
  public void vanishing(String deviceName) throws RefusedException {
    List<CompletableFuture<?>> ends = new ArrayList<>();
    synchronized (this) {
      for (Attached lun : List.copyOf(attached)) {
        if (lun.lun.device().equals(deviceName)) {
          ends.add(detach(lun).toCompletableFuture());
        }
      }
    }
    Stages.await(deviceName, CompletableFuture.allOf(ends.toArray(CompletableFuture<?>[]::new)));
  }

  /** A volume of this name is another disk from now on, and so are its snapshots. */
  public synchronized void forgetNames(String volume) throws RefusedException {
    identities.forget(volume);
  }

  /** Devices are about to get other names; initiators are to know them as the same disks. */
  public synchronized void renaming(Map<String, String> names) throws RefusedException {
    identities.renaming(live.configured(), names);
  }

  /**
   * Devices have other names. A LUN that names a device anew goes on; others that named it go, and
   * those appear that were waiting for a device of the new name. A failure is logged.
   *
   * @param names the new ones by the old ones
   */
  public void renamed(Map<String, String> names) {
    List<CompletableFuture<?>> ends = new ArrayList<>();
    synchronized (this) {
      Configuration now = live.configured();
      names.forEach(rates::renamed);
      for (Attached lun : List.copyOf(attached)) {
        String newName = names.get(lun.lun.device());
        if (newName == null) {
          continue;
        }
        LunConfig named = configured(lun, now);
        if (named != null && named.device().equals(newName)) {
          attached.set(attached.indexOf(lun), new Attached(lun.target, named, lun.open, lun.view));
        } else {
          ends.add(detach(lun).toCompletableFuture());
        }
      }
    }
    try {
      Stages.await(
          String.join(", ", names.values()),
          CompletableFuture.allOf(ends.toArray(CompletableFuture<?>[]::new)));
      for (String newName : names.values()) {
        appeared(newName);
      }
    } catch (RefusedException e) {
      LOG.error("{}: renamed, but: {}", String.join(", ", names.values()), e.getMessage());
    }
  }

  /** A device and those that are made of it. */
  public Set<String> madeOf(String deviceName) {
    Set<String> names = new TreeSet<>(Set.of(deviceName));
    if (storage.devices().has(deviceName)) {
      try {
        names.addAll(storage.devices().above(deviceName));
      } catch (RefusedException e) {
        LOG.debug("{} is gone: nothing is made of it", deviceName);
      }
    }
    return names;
  }

  /** Tells initiators that a device, and what is made of it, reads otherwise than they know. */
  public void contentsChanged(String deviceName) {
    units(madeOf(deviceName), LogicalUnit::contentsChanged);
  }

  /** Tells initiators that a volume, and what is made of it, has come to this server or gone. */
  void accessStateChanged(String volume) {
    units(madeOf(volume), LogicalUnit::accessStateChanged);
  }

  /** Tells initiators that a device has another length. */
  void capacityChanged(String deviceName) {
    units(Set.of(deviceName), LogicalUnit::capacityChanged);
  }

  /** The logical unit that shows a device; null if no LUN does. Any thread. */
  public @Nullable LogicalUnit unit(BlockDevice device) {
    return units.find(device);
  }

  private void units(Set<String> names, Consumer<LogicalUnit> tell) {
    Set<LogicalUnit> told = new LinkedHashSet<>();
    synchronized (this) {
      for (Attached lun : attached) {
        if (names.contains(lun.lun.device())) {
          told.add(lun.view.unit());
        }
      }
    }
    told.forEach(tell);
  }

  private UnitProperties properties(
      Configuration of, String deviceName, UnitIdentity identity, Limits limits) {
    VolumeConfig volume = volumeOf(of, deviceName);
    boolean thin = limits.discards() || limits.holesReadZero();
    if (volume == null) {
      return new UnitProperties(
          identity, limits.logicalBlockSize(), limits.physicalBlockSize(), false, false, thin);
    }
    return new UnitProperties(
        identity,
        volume.blockSize(),
        volume.physicalBlockSize(),
        volume.readOnly() || storage.devices().isReadOnly(deviceName),
        volume.removable(),
        thin);
  }

  /** The volume itself, or the one that a snapshot is of. */
  private static String volumeOf(String deviceName) {
    int at = deviceName.indexOf('@');
    return at < 0 ? deviceName : deviceName.substring(0, at);
  }

  @Override
  public List<Warning> warnings() {
    return StackedLuns.of(live.configured());
  }

  /** Gives every device back. */
  public synchronized void release() {
    attached.forEach(lun -> lun.open.release());
    attached.clear();
  }
}
