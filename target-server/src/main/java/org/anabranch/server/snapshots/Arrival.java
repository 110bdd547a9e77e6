// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.Initiators;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.snapshots.merge.Merges;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.shared.SharedImage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The snapshots of a volume that several servers can serve, when it comes to this one and when it
 * goes. Those with stores on this machine are not concerned: with them the volume does not go.
 *
 * <pre>
 *   comes   volume suspended   what is left of an earlier time removed   image lets requests through
 *           snapshots read from the image   interrupted ones ended, others activated, merge goes on
 *           volume resumed     active
 *   goes    sessions dropped   merge and snapshot devices removed        snapshots not known here
 * </pre>
 *
 * So nothing is written to the volume past its snapshots: the volume's requests wait until they are
 * there. Any thread, which may wait.
 */
public final class Arrival {
  private static final Logger LOG = LoggerFactory.getLogger(Arrival.class);

  private final Storage storage;
  private final SnapshotRegistry registry;
  private final Changes changes;
  private final SnapshotDevices devices;
  private final SnapshotRestore restore;
  private final Merges merges;
  private final Initiators initiators;

  Arrival(
      Storage storage,
      SnapshotRegistry registry,
      Changes changes,
      SnapshotDevices devices,
      SnapshotRestore restore,
      Merges merges,
      Initiators initiators) {
    this.storage = storage;
    this.registry = registry;
    this.changes = changes;
    this.devices = devices;
    this.restore = restore;
    this.merges = merges;
    this.initiators = initiators;
  }

  /**
   * A volume comes to this server.
   *
   * @param open lets requests through to its image
   * @throws RefusedException when it cannot be served here; it is as it was
   */
  public void comes(String name, Runnable open) throws RefusedException {
    changes.lock();
    try {
      VolumeConfig volume = devices.volume(name);
      clear(name);
      devices.suspend(name);
      try {
        open.run();
        restore.arrived(volume);
        SnapshotState merging = merges.merging(name);
        if (merging != null && merging.isShared()) {
          merges.arrived(merging); // which resumes the volume, as a merge
        }
      } catch (RefusedException | RuntimeException e) {
        clearAfter(name, e);
        throw e;
      } finally {
        devices.resume(name);
      }
      for (SnapshotState snapshot : registry.of(name)) {
        if (storage.devices().has(snapshot.device())) {
          devices.attach(snapshot.device());
        }
      }
      merges.wake();
    } finally {
      changes.unlock();
    }
  }

  /**
   * Refuses a volume that another server has, and that could not be served here, since what its
   * image says of snapshots cannot be read.
   */
  public void refuseUnreadable(String name) throws RefusedException {
    registry.refuseUnreadable(devices.volume(name));
  }

  private void clearAfter(String name, Exception reason) {
    try {
      clear(name);
    } catch (RefusedException e) {
      reason.addSuppressed(e);
    }
  }

  /** A volume has gone to another server, unless it is here again. */
  public void goes(String name) {
    if (!changes.lockUnlessOver()) {
      return;
    }
    try {
      SharedImage image = storage.sharedImage(name);
      if (image != null && !image.isHere()) {
        clear(name);
      }
    } catch (RefusedException e) {
      LOG.error("volume {}: {}; tried again before it is served here", name, e.getMessage());
    } finally {
      changes.unlock();
    }
  }

  /** No merge, no snapshots, no entries. */
  private void clear(String name) throws RefusedException {
    List<SnapshotState> shared = new ArrayList<>(registry.of(name));
    shared.removeIf(snapshot -> !snapshot.isShared());
    for (SnapshotState snapshot : shared) {
      merges.left(snapshot);
    }
    if (devices.merge(name) != null && !shared.isEmpty()) {
      devices.endMerge(name);
    }
    for (SnapshotState snapshot : shared) {
      initiators.vanishing(snapshot.device());
      if (storage.devices().has(snapshot.device())) {
        storage.devices().remove(snapshot.device());
      }
      snapshot.stores().forEach(storage.stores()::forgetOpen);
    }
    registry.forgetShared(name);
  }
}
