// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.Initiators;
import org.anabranch.server.snapshots.device.KeptStores;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.OverdueException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How merges begin: those that were asked for together at one instant, all or none. One write of
 * the state file decides for all of them: a crash before it leaves every volume as it was, after it
 * the next start goes on with every merge. By its turn in {@code Changes}.
 */
public final class MergeStart {
  private static final Logger LOG = LoggerFactory.getLogger(MergeStart.class);

  private final SnapshotRegistry registry;
  private final Initiators initiators;
  private final SnapshotDevices devices;
  private final KeptStores kept;
  private final MergeHooks hooks;
  private final MergeWatch watch;

  MergeStart(
      SnapshotRegistry registry,
      Initiators initiators,
      SnapshotDevices devices,
      KeptStores kept,
      MergeHooks hooks,
      MergeWatch watch) {
    this.registry = registry;
    this.initiators = initiators;
    this.devices = devices;
    this.kept = kept;
    this.hooks = hooks;
    this.watch = watch;
  }

  void refuseIfImpossible(SnapshotState snapshot) throws RefusedException {
    String device = snapshot.device();
    if (snapshot.phase() == Phase.CREATING || snapshot.phase() == Phase.REMOVING) {
      throw new RefusedException(
          "snapshot " + device + " is being made or removed; ask again when that has ended");
    }
    devices.refuseForeignTable(snapshot.volume());
    devices.refuseForeignTable(snapshot);
    if (devices.status(snapshot).contains("Invalid")) {
      throw new RefusedException(
          "snapshot "
              + device
              + " is invalid: its contents are lost, and no volume can be rolled back to it; snapshot remove frees its"
              + " store");
    }
    if (devices.volume(snapshot.volume()).readOnly()) {
      throw new RefusedException(
          "volume "
              + snapshot.volume()
              + " is read-only and cannot be rolled back; take read-only out of its configuration and"
              + " reload");
    }
  }

  /**
   * Begins merges whose turn it is, under whoever uses the volumes.
   *
   * @return the snapshots in their new phase
   * @throws RefusedException why none has begun; all snapshots are ready again
   */
  List<SnapshotState> start(List<SnapshotState> snapshots) throws RefusedException {
    List<SnapshotState> merging = snapshots.stream().map(each -> each.in(Phase.MERGING)).toList();
    try {
      for (SnapshotState snapshot : snapshots) {
        refuseIfImpossible(snapshot);
      }
      nameSecondStores(snapshots);
      for (SnapshotState snapshot : snapshots) {
        if (snapshot.keeps()) {
          kept.make(snapshot);
        } else {
          devices.detach(snapshot.device());
        }
      }
      devices.flush(snapshots);
      registry.put(merging);
      begin(merging);
    } catch (RefusedException e) {
      stay(snapshots, e);
      hooks.notBegun(snapshots, e);
      throw e;
    }
    hooks.begun(snapshots);
    for (SnapshotState each : merging) {
      LOG.info(
          "volume {}: being rolled back to {}{}",
          each.volume(),
          each.device(),
          each.keeps() ? ", which is kept" : "");
      initiators.contentsChanged(each.volume());
    }
    return merging;
  }

  /** In one write: what waits to begin together waits so after a crash, too. */
  private void nameSecondStores(List<SnapshotState> snapshots) throws RefusedException {
    List<SnapshotState> changed =
        snapshots.stream()
            .filter(each -> !each.equals(registry.state().snapshot(each.device())))
            .toList();
    if (!changed.isEmpty() && snapshots.stream().anyMatch(SnapshotState::keeps)) {
      registry.put(changed);
    }
  }

  /** Begins merges that the state file has already; see {@link #start}. */
  void begin(List<SnapshotState> merging) throws RefusedException {
    try {
      devices.startMerges(merging);
      registry.steps().taken("merge begun");
    } catch (OverdueException e) {
      LOG.error(
          "snapshot {}: it may take a while until the rollback begins",
          merging.getFirst().device(),
          e);
    }
    merging.forEach(each -> watch.add(each.volume(), each.device()));
  }

  /** Lets a merge go on that was under way at a stop or crash. */
  void goOn(SnapshotState merging) throws RefusedException {
    try {
      devices.goOnWithMerge(merging);
    } catch (OverdueException e) {
      LOG.error("snapshot {}: it may take a while until the rollback goes on", merging.device(), e);
    }
    watch.add(merging.volume(), merging.device());
  }

  /** They did not begin, and the snapshots are there still. */
  void stay(List<SnapshotState> snapshots, RefusedException reason) {
    List<SnapshotState> ready = new ArrayList<>();
    for (SnapshotState snapshot : snapshots) {
      SnapshotState now = snapshot;
      if (snapshot.keeps()) {
        now = kept.drop(snapshot);
      } else {
        devices.attach(snapshot.device());
      }
      ready.add(now.in(Phase.READY));
    }
    try {
      ready.removeIf(each -> {
        SnapshotState found = registry.state().snapshot(each.device());
        return found == null || found.equals(each);
      });
      if (!ready.isEmpty()) {
        registry.put(ready);
      }
    } catch (RefusedException e) {
      reason.addSuppressed(e);
      LOG.error(
          "snapshot {}: the next start tries again: {}",
          snapshots.getFirst().device(),
          e.getMessage());
    }
  }
}
