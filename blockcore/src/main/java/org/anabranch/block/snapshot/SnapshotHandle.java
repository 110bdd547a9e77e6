// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import org.anabranch.block.dm.TableException;

/**
 * A snapshot in use, or a merge, asked of its device: {@code device.targets(SnapshotHandle.class)}.
 * Any thread; nothing here waits.
 */
public interface SnapshotHandle {
  /** Its state, and how full its store is. */
  SnapshotStatus snapshotStatus();

  /** The size of a chunk in sectors; 1 while it has no store. */
  long chunkSectors();

  /**
   * Which chunks, from {@code from} on, have exceptions: where the snapshot differs from its
   * origin, or may do so.
   *
   * @param most how many runs are listed, 1 to {@link ChangedChunks#MAX_RUNS}
   * @throws TableException when it is invalid or has no store
   */
  ChangedChunks changed(long from, int most) throws TableException;
}
