// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import org.anabranch.block.dm.TableException;

/**
 * A snapshot in use, or a merge, obtained from its device with {@code
 * device.targets(SnapshotHandle.class)}. Any thread; no method blocks.
 */
public interface SnapshotHandle {
  /** The snapshot's state, and the usage of its store. */
  SnapshotStatus snapshotStatus();

  /** The chunk size in sectors; 1 while there is no store. */
  long chunkSectors();

  /**
   * Lists the chunks from {@code from} on that have exceptions, where the snapshot may differ from
   * its origin.
   *
   * @param most the largest number of runs in the list, 1 to {@link ChangedChunks#MAX_RUNS}
   * @throws TableException if the snapshot is invalid or has no store
   */
  ChangedChunks changed(long from, int most) throws TableException;
}
