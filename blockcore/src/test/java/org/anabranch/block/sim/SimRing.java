// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.UUID;
import org.anabranch.block.cache.BootId;
import org.anabranch.block.cache.Ring;
import org.jspecify.annotations.Nullable;

/**
 * The memory of a ring, as a mapped file is one.
 *
 * <pre>
 *   the process dies   all of it is as it was
 *   the power goes     it is as it was at some time before, and the kernel boots anew
 * </pre>
 */
final class SimRing {
  private final int segments;
  private final int segmentBytes;
  private final long boots;
  private final MemorySegment memory;

  /** What the kernel has written back. */
  private final MemorySegment written;

  private @Nullable Ring ring;

  SimRing(int segments, int segmentBytes) {
    this(segments, segmentBytes, 0);
  }

  private SimRing(int segments, int segmentBytes, long boots) {
    this.segments = segments;
    this.segmentBytes = segmentBytes;
    this.boots = boots;
    this.memory = Arena.ofAuto().allocate(Ring.bytes(segments, segmentBytes), 64);
    this.written = Arena.ofAuto().allocate(Ring.bytes(segments, segmentBytes), 64);
  }

  /** The ring, opened by a process of this boot. */
  Ring ring() {
    Ring opened = ring;
    if (opened == null) {
      opened = Ring.open(memory, segmentBytes, boot());
      ring = opened;
    }
    return opened;
  }

  private BootId boot() {
    return new BootId(new UUID(1, boots));
  }

  /** The kernel writes it to its disk. */
  void writeBack() {
    written.copyFrom(memory);
  }

  SimRing afterProcessDeath(Sabotage sabotage) {
    SimRing next = new SimRing(segments, segmentBytes, boots);
    next.memory.copyFrom(memory);
    next.written.copyFrom(written);
    sabotage.leftRing(next.memory, segmentBytes, boot());
    return next;
  }

  SimRing afterPowerCut(Sabotage sabotage) {
    SimRing next = new SimRing(segments, segmentBytes, sabotage.sameBoot() ? boots : boots + 1);
    next.memory.copyFrom(written);
    next.written.copyFrom(written);
    return next;
  }
}
