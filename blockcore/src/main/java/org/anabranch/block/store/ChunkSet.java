// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.util.HashMap;
import java.util.Map;

/** A set of chunk numbers: a bitmap in pages, allocated where there are members. */
final class ChunkSet {
  private static final int PAGE_BITS = 12;

  private final Map<Long, long[]> pages = new HashMap<>();
  private long pageNumber = -1;
  private long[] page = new long[0];

  /** Adds a chunk; false if it was in the set already. */
  boolean add(long chunk) {
    if (chunk >>> PAGE_BITS != pageNumber) {
      pageNumber = chunk >>> PAGE_BITS;
      page = pages.computeIfAbsent(pageNumber, number -> new long[1 << (PAGE_BITS - 6)]);
    }
    int word = (int) (chunk >>> 6) & ((1 << (PAGE_BITS - 6)) - 1);
    long bit = 1L << (chunk & 63);
    boolean added = (page[word] & bit) == 0;
    page[word] |= bit;
    return added;
  }
}
