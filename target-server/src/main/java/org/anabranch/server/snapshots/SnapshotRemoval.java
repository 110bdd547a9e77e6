// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.Objects;
import java.util.Set;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.Initiators;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.snapshots.merge.MergeOrder;
import org.anabranch.server.snapshots.merge.Merges;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.LeftOut;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.stores.StrayStores;
import org.anabranch.server.uses.Uses;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The steps that remove a snapshot: state: REMOVING, device removed, store deleted, entry gone. */
final class SnapshotRemoval {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotRemoval.class);

  private final LiveConfiguration live;
  private final Storage storage;
  private final SnapshotRegistry registry;
  private final Changes changes;
  private final SnapshotDevices devices;
  private final StrayStores strays;
  private final Merges merges;
  private final Initiators initiators;
  private final Uses uses;

  SnapshotRemoval(
      LiveConfiguration live,
      Storage storage,
      SnapshotRegistry registry,
      Changes changes,
      SnapshotDevices devices,
      StrayStores strays,
      Merges merges,
      Initiators initiators,
      Uses uses) {
    this.live = live;
    this.storage = storage;
    this.registry = registry;
    this.changes = changes;
    this.devices = devices;
    this.strays = strays;
    this.merges = merges;
    this.initiators = initiators;
    this.uses = uses;
  }

  /**
   * Removes what a schedule has made, unless somebody uses it, reads it, wants to roll back to it,
   * or has made a LUN of it.
   */
  void expire(SnapshotState old) throws RefusedException {
    changes.lock();
    try {
      SnapshotState now = registry.existing(old.device());
      if (now.phase() != Phase.READY || !Objects.equals(now.scheduled(), old.scheduled())) {
        throw new RefusedException("a rollback to it waits, or it is not the schedule's any more");
      }
      if (!uses.of(Set.of(now.device())).isEmpty()) {
        throw new RefusedException("an initiator uses it");
      }
      for (TargetConfig target : live.configured().targets().values()) {
        for (LunConfig lun : target.luns().values()) {
          if (lun.device().equals(now.device())) {
            throw new RefusedException("it is LUN " + lun.number() + " of " + target.name());
          }
        }
      }
      remove(now.device(), false);
    } finally {
      changes.unlock();
    }
  }

  /**
   * Removes a snapshot. What changed since it was taken stays.
   *
   * @param force also when sessions have it as a LUN, when its merge waits to begin, which drops
   *     the rollback, and in a merge that cannot go on because the snapshot is invalid
   */
  void remove(String device, boolean force) throws RefusedException {
    changes.lock();
    try {
      if (force
          && registry.state().snapshot(device) == null
          && strays.delete(device, registry.steps())) {
        LOG.warn("snapshot {}: given up; the server did not know it any more", device);
        return;
      }
      SnapshotState snapshot = registry.existing(device);
      LeftOut.Entry leftOut = storage.leftOut().get(snapshot.volume());
      if (leftOut != null && !force) {
        throw new RefusedException(
            "snapshot "
                + device
                + ": its volume is not served: "
                + leftOut.text()
                + "; --force gives the snapshot up"
                + (snapshot.phase() == Phase.MERGING
                    ? ", and leaves the volume as it is, partly rolled back"
                    : ""));
      }
      if (snapshot.phase() == Phase.MERGING && leftOut == null) {
        merges.giveUp(snapshot, force);
        return;
      }
      MergeOrder.refuseUnderWaitingMerge(snapshot, force);
      devices.refuseForeignTable(snapshot);
      refuseUnderSessions(device, force);
      try {
        devices.detach(device);
        registry.put(snapshot.in(Phase.REMOVING));
      } catch (RefusedException e) {
        devices.attach(device);
        throw e;
      }
      registry.forget(snapshot);
      merges.removed(snapshot);
      merges.wake();
      LOG.info("snapshot {}: removed", device);
    } finally {
      changes.unlock();
    }
  }

  private void refuseUnderSessions(String device, boolean force) throws RefusedException {
    int sessions = initiators.sessions(device);
    if (sessions > 0 && !force) {
      throw new RefusedException(
          "snapshot "
              + device
              + " is a LUN of a target that has "
              + sessions
              + (sessions == 1 ? " session" : " sessions")
              + "; log out there, or use --force");
    }
  }
}
