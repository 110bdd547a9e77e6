// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.List;
import org.anabranch.block.BlockDevice;
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
