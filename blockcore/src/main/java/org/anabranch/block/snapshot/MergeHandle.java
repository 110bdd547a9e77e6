// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import org.anabranch.block.dm.Registration;

/**
 * A merge, obtained from its device with {@code device.targets(MergeHandle.class)}, or with {@code
 * device.loadedTargets(MergeHandle.class)} before it starts. Settings made before the merge gets
 * its store apply from the first batch. Any thread; no method blocks.
 */
public interface MergeHandle extends SnapshotHandle {
  /** The largest number of listeners of one merge. */
  int MAX_LISTENERS = 1024;

  /** The progress of the merge. */
  MergeProgress progress();

  /** Pauses the merge after the current batch, until {@link #unpause}. */
  void pause();

  /** Continues a paused merge; otherwise does nothing. */
  void unpause();

  /**
   * Limits the speed.
   *
   * @param bytesPerSecond at least 0; 0 removes the limit
   */
  void throttle(long bytesPerSecond);

  /** The speed limit in bytes per second; 0 for none. */
  long throttle();

  /**
   * Limits the size of a batch.
   *
   * @param bytes at least 0; a batch always has at least one chunk
   */
  void batch(long bytes);

  /**
   * Registers {@code listener}. The mapper's scheduler calls it after each batch and when the merge
   * starts, ends, fails or is paused, until the registration is closed. Calls come one at a time,
   * and one may report several changes. The listener must not block.
   *
   * @throws IllegalStateException if {@link #MAX_LISTENERS} are registered
   */
  Registration onProgress(Runnable listener);
}
