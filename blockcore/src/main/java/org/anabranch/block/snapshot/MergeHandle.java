// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import org.anabranch.block.dm.Registration;

/**
 * A merge, asked of its device: {@code device.targets(MergeHandle.class)}, or {@code
 * device.loadedTargets(MergeHandle.class)} before it begins. What is set before the merge has its
 * store holds from its first batch on. Any thread; nothing here waits.
 */
public interface MergeHandle extends SnapshotHandle {
  /** The most that may listen to one merge. */
  int MAX_LISTENERS = 1024;

  /** How far it is. */
  MergeProgress progress();

  /** Stops it after the batch under way, until {@link #unpause}. */
  void pause();

  /** Lets it go on. Does nothing to a merge that is not paused. */
  void unpause();

  /**
   * Bounds its speed.
   *
   * @param bytesPerSecond at least 0; 0 takes the bound away
   */
  void throttle(long bytesPerSecond);

  /** The bound in bytes a second; 0 for none. */
  long throttle();

  /**
   * Bounds a batch.
   *
   * @param bytes at least 0; a batch has one chunk at least
   */
  void batch(long bytes);

  /**
   * Calls {@code listener} on the mapper's scheduler after each batch, and when the merge begins,
   * ends, fails or is paused, until the registration is closed. Calls come one at a time; several
   * changes may be reported by one. The listener must not block.
   *
   * @throws IllegalStateException when {@link #MAX_LISTENERS} listen already
   */
  Registration onProgress(Runnable listener);
}
