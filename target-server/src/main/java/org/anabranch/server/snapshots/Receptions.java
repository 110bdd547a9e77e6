// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.time.Instant;
import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.merge.Merges;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;

/**
 * Volumes that imports write to. Meanwhile no snapshot of them is taken, and none is merged; in the
 * end one is taken, which says what the volume holds.
 */
final class Receptions {
  /** Of a snapshot that an import takes: 8 KiB. */
  private static final int CHUNK_SECTORS = 16;

  private final Changes changes;
  private final SnapshotDevices devices;
  private final Merges merges;
  private final SnapshotCreation creation;

  Receptions(Changes changes, SnapshotDevices devices, Merges merges, SnapshotCreation creation) {
    this.changes = changes;
    this.devices = devices;
    this.merges = merges;
    this.creation = creation;
  }

  /**
   * Lets an import write to a volume. Until {@link #received} or {@link #receptionEnded}, no
   * snapshot of it is taken, and none is merged.
   *
   * @throws RefusedException while a merge or another import is under way
   */
  void receiving(String volume) throws RefusedException {
    changes.lock();
    try {
      if (devices.volume(volume).readOnly()) {
        throw new RefusedException(
            "volume "
                + volume
                + " is read-only; take read-only out of its configuration, reload, and make its LUNs"
                + " read-only");
      }
      SnapshotState merging = merges.merging(volume);
      if (merging != null) {
        throw new RefusedException(
            "volume "
                + volume
                + " is being rolled back to "
                + merging.device()
                + "; wait for its end");
      }
      devices.refuseForeignTable(volume);
      devices.receiving(volume);
    } finally {
      changes.unlock();
    }
  }

  /** Refuses a snapshot that could not be taken, because of its name for instance. */
  void refuseUnlessFree(String volume, String name) throws RefusedException {
    changes.lock();
    try {
      var _ = creation.planned(List.of(new Wanted(volume, name, CHUNK_SECTORS, 0, true, "")));
    } finally {
      changes.unlock();
    }
  }

  /** Nothing came of it. */
  void receptionEnded(String volume) {
    devices.received(volume);
  }

  /**
   * What was imported is there: takes the read-only snapshot that says so.
   *
   * @param point what the volume holds now, see {@link SnapshotState#point}
   * @param created when that was taken where it comes from
   */
  SnapshotState received(String volume, String name, String point, Instant created)
      throws RefusedException {
    changes.lock();
    try {
      devices.received(volume);
      Wanted wanted = new Wanted(volume, name, CHUNK_SECTORS, 0, true, "");
      return creation.create(List.of(wanted), planned -> planned.of(point, created)).getFirst();
    } finally {
      changes.unlock();
    }
  }
}
