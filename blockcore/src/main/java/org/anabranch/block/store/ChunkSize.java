// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;

/** Checks chunk sizes. */
public final class ChunkSize {
  private static final int DEFAULT_SECTORS = 32;

  private ChunkSize() {}

  /** The chunk size of a persistent store whose table says 0. */
  public static int byDefault(Limits cow) {
    return Math.max(DEFAULT_SECTORS, cow.logicalBlockSize() >> 9);
  }

  /** Why a chunk cannot have so many sectors on these devices; null if it can. */
  public static @Nullable String wrong(int sectors, Limits... devices) {
    if (Integer.bitCount(sectors) != 1) {
      return "Chunk size is not a power of 2.";
    }
    for (Limits device : devices) {
      if (Integer.toUnsignedLong(sectors) << 9 < device.logicalBlockSize()) {
        return "Chunk size is not a multiple of device blocksize.";
      }
    }
    if (Integer.compareUnsigned(sectors, StoreLayout.MAX_CHUNK_SECTORS) > 0) {
      return "Chunk size is too high.";
    }
    return null;
  }
}
