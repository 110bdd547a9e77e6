// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.anabranch.block.Limits;
import org.anabranch.block.Scheduler;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.config.AddressRange;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.Configuration;
import org.anabranch.config.InitiatorPattern;
import org.anabranch.config.LunConfig;
import org.anabranch.config.Secret;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.iscsi.AccessList;
import org.anabranch.iscsi.ChapCredentials;
import org.anabranch.iscsi.ChapDigest;
import org.anabranch.iscsi.TargetNode;
import org.anabranch.scsi.LogicalUnit;
import org.anabranch.scsi.ReservationStore;
import org.anabranch.scsi.TargetDevice;
import org.anabranch.scsi.TargetPort;
import org.anabranch.scsi.UnitIdentity;
import org.anabranch.scsi.UnitProperties;
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
final class Targets {
  /** All portals are in one portal group. */
  static final int PORTAL_GROUP = 1;

  private static final Logger LOG = LoggerFactory.getLogger(Targets.class);

  /** A LUN that is there, holding its device open. */
  private record Attached(String target, LunConfig lun, OpenDevice open, LogicalUnit unit) {}

  private final Configuration configuration;
  private final Storage storage;
  private final Scheduler scheduler;
  private final ReservationStore reservations;
  private final String serverId;
  private final Map<String, TargetDevice> devices = new TreeMap<>(); // guarded by this
  private final List<Attached> attached = new ArrayList<>(); // guarded by this

  /**
   * @param serverId part of every disk's identity: two servers with like configurations have
   *     different disks
   */
  Targets(
      Configuration configuration,
      Storage storage,
      Scheduler scheduler,
      ReservationStore reservations,
      String serverId) {
    this.configuration = configuration;
    this.storage = storage;
    this.scheduler = scheduler;
    this.reservations = reservations;
    this.serverId = serverId;
  }

  /** A node for each target, with the LUNs whose devices are there. */
  synchronized List<TargetNode> open() throws RefusedException {
    List<TargetNode> nodes = new ArrayList<>();
    for (TargetConfig target : configuration.targets().values()) {
      TargetDevice device =
          new TargetDevice(List.of(new TargetPort(target.name(), PORTAL_GROUP, 1)), scheduler);
      devices.put(target.name(), device);
      for (LunConfig lun : target.luns().values()) {
        if (lun.device().indexOf('@') < 0 || storage.has(lun.device())) {
          attach(target, lun);
        } else {
          LOG.info("target {}: LUN {} waits for {}", target.name(), lun.number(), lun.device());
        }
      }
      nodes.add(
          new TargetNode(
              target.name(), null, device, access(target), chap(target.chap()), Set.of()));
    }
    return nodes;
  }

  private void attach(TargetConfig target, LunConfig lun) throws RefusedException {
    TargetDevice device = devices.get(target.name());
    if (device == null) {
      return; // before open
    }
    OpenDevice open;
    try {
      open = storage.hold(lun.device());
    } catch (RefusedException e) {
      throw new RefusedException(
          "target " + target.name() + ", LUN " + lun.number() + ": " + e.getMessage(), e);
    }
    LogicalUnit unit;
    try {
      unit = new LogicalUnit(open.device(), properties(target, lun, open), scheduler, reservations);
    } catch (IOException e) {
      open.release();
      throw new RefusedException(
          "target " + target.name() + ", LUN " + lun.number() + ": " + e.getMessage(), e);
    }
    attached.add(new Attached(target.name(), lun, open, unit));
    device.attach(lun.number(), unit, visibleTo(lun));
  }

  /** Attaches the LUNs that name a device which is there now. */
  synchronized void appeared(String deviceName) throws RefusedException {
    for (TargetConfig target : configuration.targets().values()) {
      for (LunConfig lun : target.luns().values()) {
        if (lun.device().equals(deviceName)) {
          attach(target, lun);
        }
      }
    }
  }

  /** Takes the LUNs of a device away, and lets go of it. */
  synchronized void vanishing(String deviceName) {
    for (Iterator<Attached> each = attached.iterator(); each.hasNext(); ) {
      Attached lun = each.next();
      if (lun.lun.device().equals(deviceName)) {
        TargetDevice device = devices.get(lun.target);
        if (device != null) {
          device.detach(lun.lun.number());
        }
        lun.open.release();
        each.remove();
      }
    }
  }

  /** The targets that have a device as a LUN. */
  synchronized Set<String> exporting(String deviceName) {
    Set<String> targets = new TreeSet<>();
    for (Attached lun : attached) {
      if (lun.lun.device().equals(deviceName)) {
        targets.add(lun.target);
      }
    }
    return targets;
  }

  /** Tells initiators that a device reads differently than they may remember. */
  void contentsChanged(String deviceName) {
    units(deviceName, LogicalUnit::contentsChanged);
  }

  /** Tells initiators that a device has another length. */
  void capacityChanged(String deviceName) {
    units(deviceName, LogicalUnit::capacityChanged);
  }

  private void units(String deviceName, Consumer<LogicalUnit> tell) {
    List<LogicalUnit> units;
    synchronized (this) {
      units =
          attached.stream()
              .filter(lun -> lun.lun.device().equals(deviceName))
              .map(Attached::unit)
              .toList();
    }
    units.forEach(tell);
  }

  private UnitProperties properties(TargetConfig target, LunConfig lun, OpenDevice open) {
    int at = lun.device().indexOf('@');
    String volumeName = at < 0 ? lun.device() : lun.device().substring(0, at);
    VolumeConfig volume = configuration.volumes().get(volumeName);
    UnitIdentity identity = UnitIdentity.of(serverId + " " + target.name(), lun.device());
    Limits limits = open.device().limits();
    if (volume == null) {
      return new UnitProperties(
          identity,
          limits.logicalBlockSize(),
          limits.physicalBlockSize(),
          lun.readOnly(),
          false,
          limits.discards());
    }
    return new UnitProperties(
        identity,
        volume.blockSize(),
        volume.physicalBlockSize(),
        lun.readOnly() || volume.readOnly() || storage.isReadOnly(lun.device()),
        volume.removable(),
        limits.discards());
  }

  private static Predicate<String> visibleTo(LunConfig lun) {
    List<InitiatorPattern> only = lun.initiators();
    return name -> only.isEmpty() || only.stream().anyMatch(pattern -> pattern.matches(name));
  }

  private static AccessList access(TargetConfig target) {
    return new AccessList(
        target.initiators().stream().map(InitiatorPattern::text).toList(),
        target.addresses().stream().map(AddressRange::toString).toList());
  }

  private static @Nullable ChapCredentials chap(@Nullable ChapConfig chap) {
    if (chap == null) {
      return null;
    }
    ChapConfig.Mutual mutual = chap.mutual();
    return new ChapCredentials(
        chap.user(),
        text(chap.secret()),
        mutual == null ? null : mutual.user(),
        mutual == null ? null : text(mutual.secret()),
        chap.digests().stream()
            .map(digest -> ChapDigest.valueOf(digest.name()))
            .collect(Collectors.toSet()));
  }

  private static String text(Secret secret) {
    return new String(secret.bytes(), StandardCharsets.UTF_8);
  }

  /** Gives every device back. */
  synchronized void release() {
    attached.forEach(lun -> lun.open.release());
    attached.clear();
  }
}
