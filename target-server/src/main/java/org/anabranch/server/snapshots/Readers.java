// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.HashMap;
import java.util.Map;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.server.RefusedException;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.Storage;

/** Who reads snapshots from end to end, such as exports: those must stay meanwhile. Any thread. */
public final class Readers {
  private final Map<String, Integer> counts = new HashMap<>(); // guarded by this

  /** Refuses a snapshot that cannot be read. */
  static SnapshotState standing(SnapshotState snapshot) throws RefusedException {
    if (snapshot.phase() != Phase.READY && snapshot.phase() != Phase.WAITING) {
      throw new RefusedException(
          "snapshot "
              + snapshot.device()
              + " cannot be read: it is being "
              + (snapshot.phase() == Phase.MERGING ? "merged" : "made or removed"));
    }
    return snapshot;
  }

  /** Begins to read one that cannot go before this returns. */
  synchronized Reading begin(Storage storage, String device) throws RefusedException {
    OpenDevice open = storage.hold(device);
    counts.merge(device, 1, Integer::sum);
    return new Reading(device, open);
  }

  private synchronized void end(String device) {
    counts.computeIfPresent(device, (name, count) -> count == 1 ? null : count - 1);
  }

  /** Whether somebody reads it. */
  synchronized boolean read(String device) {
    return counts.containsKey(device);
  }

  /** A snapshot that is being read. */
  public final class Reading implements AutoCloseable {
    private final String name;
    private final OpenDevice open;

    private Reading(String name, OpenDevice open) {
      this.name = name;
      this.open = open;
    }

    public BlockDevice device() {
      return open.device();
    }

    /** To be called once. */
    @Override
    public void close() {
      open.release();
      end(name);
    }
  }
}
