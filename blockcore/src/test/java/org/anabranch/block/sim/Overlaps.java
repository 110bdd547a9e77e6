// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.Io;

/**
 * Keeps the users of a volume and its snapshots from sending requests that concern the same sectors
 * at the same time, or does not, as the run wants it. If none do, no two requests to a disk may
 * overlap either: {@link SimDisk#forbidOverlap}.
 */
final class Overlaps {
  private final boolean allowed;
  private final List<Range> inFlight = new ArrayList<>();

  /** Where the user sent it: on its way, a request goes to other places. */
  private record Range(Io io, long begin, long end) {}

  Overlaps(boolean allowed) {
    this.allowed = allowed;
  }

  /** Whether the request may be sent. */
  boolean enter(Io io) {
    if (!allowed) {
      for (Range other : inFlight) {
        if (io.sector() < other.end && other.begin < io.end()) {
          return false;
        }
      }
      inFlight.add(new Range(io, io.sector(), io.end()));
    }
    return true;
  }

  void leave(Io io) {
    inFlight.removeIf(range -> range.io == io);
  }

  /** The power was cut. */
  void clear() {
    inFlight.clear();
  }
}
