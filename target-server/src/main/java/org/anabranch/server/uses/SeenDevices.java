// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import java.util.Set;

/** Which devices an initiator can reach. Any thread; never blocks. */
@FunctionalInterface
public interface SeenDevices {
  /**
   * The devices of the LUNs that a target shows to an initiator, and the volumes and snapshots that
   * these devices are made of. A snapshot counts that does not exist yet: its LUN appears with it.
   */
  Set<String> by(String initiator, String target);
}
