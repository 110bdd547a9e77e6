// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.cache.BootId;
import org.anabranch.block.dm.TargetType;
import org.anabranch.block.snapshot.InvalidStores;

/** What is made wrong in a {@link Machine}, to see whether the simulator notices. */
interface Sabotage {
  /** Nothing. */
  Sabotage NONE = new Sabotage() {};

  /** Whether it shows only where disks fail: then they do in every history. */
  default boolean needsFaults() {
    return false;
  }

  /** Whether it shows only where writes are cached: then they are in every history. */
  default boolean needsCache() {
    return false;
  }

  /** What users get for a write cache above a device. */
  default BlockDevice cache(BlockDevice cache, BlockDevice device, SimScheduler scheduler) {
    return cache;
  }

  /** Changes the ring that a dead process has left. */
  default void leftRing(MemorySegment memory, int segmentBytes, BootId boot) {}

  /** Whether a power cut does not change the boot. */
  default boolean sameBoot() {
    return false;
  }

  /** The device that tables get for a disk. */
  default BlockDevice device(SimDisk disk, BlockDevice device, SimScheduler scheduler) {
    return device;
  }

  /** Where it is kept that stores are invalid that can't say it themselves. */
  default InvalidStores invalidStores(InvalidStores kept) {
    return kept;
  }

  /** The target types that tables know. */
  default List<TargetType> types(List<TargetType> standard) {
    return standard;
  }
}
