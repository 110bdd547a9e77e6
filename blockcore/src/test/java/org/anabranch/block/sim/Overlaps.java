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
  private final List<Io> inFlight = new ArrayList<>();

  Overlaps(boolean allowed) {
    this.allowed = allowed;
  }

  /** Whether the request may be sent. */
  boolean enter(Io io) {
    if (!allowed) {
      for (Io other : inFlight) {
        if (io.sector() < other.end() && other.sector() < io.end()) {
          return false;
        }
      }
      inFlight.add(io);
    }
    return true;
  }

  void leave(Io io) {
    inFlight.remove(io);
  }

  /** The power was cut. */
  void clear() {
    inFlight.clear();
  }
}
