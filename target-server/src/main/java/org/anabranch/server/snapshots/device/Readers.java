// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.device;

import java.util.HashMap;
import java.util.Map;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.Storage;

/** Who reads snapshots from end to end, such as exports: those must stay meanwhile. Any thread. */
public final class Readers {
  private final Map<String, Integer> counts = new HashMap<>(); // guarded by this
  private volatile Runnable whenEnded = () -> {};

  /** Refuses a snapshot that cannot be read. */
  public static SnapshotState standing(SnapshotState snapshot) throws RefusedException {
    boolean merging = snapshot.phase() == Phase.MERGING && snapshot.keeps();
    if (snapshot.phase() != Phase.READY && snapshot.phase() != Phase.WAITING && !merging) {
      throw new RefusedException(
          "snapshot "
              + snapshot.device()
              + " cannot be read or exported: it is "
              + what(snapshot.phase()));
    }
    return snapshot;
  }

  private static String what(Phase phase) {
    return switch (phase) {
      case MERGING -> "being rolled back to";
      case QUEUED -> "to be rolled back to next";
      case CREATING, REMOVING, READY, WAITING -> "being made or removed";
    };
  }

  /** Begins to read one that cannot go before this returns. */
  public synchronized Reading begin(Storage storage, SnapshotState snapshot)
      throws RefusedException {
    OpenDevice open = storage.devices().holdSettled(snapshot.device());
    counts.merge(snapshot.device(), 1, Integer::sum);
    return new Reading(snapshot, open);
  }

  /** Runs after each reading. */
  public void whenEnded(Runnable task) {
    whenEnded = task;
  }

  private synchronized void end(String device) {
    counts.computeIfPresent(device, (name, count) -> count == 1 ? null : count - 1);
  }

  /** Whether somebody reads it. */
  public synchronized boolean read(String device) {
    return counts.containsKey(device);
  }

  /** A snapshot that is being read. */
  public final class Reading implements AutoCloseable {
    private final SnapshotState snapshot;
    private final OpenDevice open;

    private Reading(SnapshotState snapshot, OpenDevice open) {
      this.snapshot = snapshot;
      this.open = open;
    }

    public SnapshotState snapshot() {
      return snapshot;
    }

    public BlockDevice device() {
      return open.device();
    }

    /** To be called once. */
    @Override
    public void close() {
      open.release();
      end(snapshot.device());
      whenEnded.run();
    }
  }
}
