// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
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
import org.anabranch.iscsi.TargetNode;
import org.anabranch.scsi.LogicalUnit;
import org.anabranch.scsi.TargetDevice;
import org.anabranch.scsi.TargetPort;
import org.anabranch.scsi.UnitIdentity;
import org.anabranch.scsi.UnitProperties;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;

/**
 * The iSCSI targets of a configuration, over the devices of {@link Storage}. Called by one thread
 * at a time.
 */
final class Targets {
  /** All portals are in one portal group. */
  static final int PORTAL_GROUP = 1;

  private final Storage storage;
  private final Scheduler scheduler;
  private final String serverId;
  private final List<OpenDevice> held = new ArrayList<>();

  /**
   * @param serverId part of every disk's identity: two servers with like configurations have
   *     different disks
   */
  Targets(Storage storage, Scheduler scheduler, String serverId) {
    this.storage = storage;
    this.scheduler = scheduler;
    this.serverId = serverId;
  }

  /** A node for each target; each LUN holds its device open until {@link #release}. */
  List<TargetNode> open(Configuration configuration) throws RefusedException {
    List<TargetNode> nodes = new ArrayList<>();
    for (TargetConfig target : configuration.targets().values()) {
      TargetDevice device =
          new TargetDevice(List.of(new TargetPort(target.name(), PORTAL_GROUP, 1)), scheduler);
      for (LunConfig lun : target.luns().values()) {
        device.attach(lun.number(), unit(configuration, target, lun), visibleTo(lun));
      }
      nodes.add(
          new TargetNode(
              target.name(), null, device, access(target), chap(target.chap()), Set.of()));
    }
    return nodes;
  }

  private LogicalUnit unit(Configuration configuration, TargetConfig target, LunConfig lun)
      throws RefusedException {
    OpenDevice open;
    try {
      open = storage.hold(lun.device());
    } catch (RefusedException e) {
      throw new RefusedException(
          "target " + target.name() + ", LUN " + lun.number() + ": " + e.getMessage(), e);
    }
    held.add(open);
    return new LogicalUnit(open.device(), properties(configuration, target, lun, open), scheduler);
  }

  private UnitProperties properties(
      Configuration configuration, TargetConfig target, LunConfig lun, OpenDevice open) {
    int at = lun.device().indexOf('@');
    VolumeConfig volume =
        configuration.volumes().get(at < 0 ? lun.device() : lun.device().substring(0, at));
    UnitIdentity identity = UnitIdentity.of(serverId + " " + target.name(), lun.device());
    if (volume == null) {
      var limits = open.device().limits();
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
        lun.readOnly() || volume.readOnly(),
        volume.removable(),
        open.device().limits().discards());
  }

  private static Predicate<String> visibleTo(LunConfig lun) {
    List<InitiatorPattern> only = lun.initiators();
    return name -> only.isEmpty() || only.stream().anyMatch(pattern -> pattern.matches(name));
  }

  private static AccessList access(TargetConfig target) {
    return new AccessList(
        target.initiators().stream().map(InitiatorPattern::text).toList(),
        target.addresses().stream().map(Targets::text).toList());
  }

  private static String text(AddressRange range) {
    InetAddress address = range.address();
    return address.getHostAddress() + "/" + range.prefix();
  }

  private static @Nullable ChapCredentials chap(@Nullable ChapConfig chap) {
    if (chap == null) {
      return null;
    }
    ChapConfig.Mutual mutual = chap.mutual();
    return mutual == null
        ? new ChapCredentials(chap.user(), text(chap.secret()))
        : new ChapCredentials(
            chap.user(), text(chap.secret()), mutual.user(), text(mutual.secret()));
  }

  private static String text(Secret secret) {
    return new String(secret.bytes(), StandardCharsets.UTF_8);
  }

  /** Gives every device back. */
  void release() {
    held.forEach(OpenDevice::release);
    held.clear();
  }
}
