// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import java.util.TreeMap;

/** Ranges of sectors that do not overlap. One thread at a time. */
final class Overlaps {
  private final TreeMap<Long, Long> ends = new TreeMap<>();

  /** Whether a range overlaps one of these. */
  boolean with(long begin, long end) {
    var before = ends.lowerEntry(end);
    return before != null && before.getValue() > begin;
  }

  void add(long begin, long end) {
    ends.put(begin, end);
  }

  void clear() {
    ends.clear();
  }
}
