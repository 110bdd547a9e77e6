// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import org.anabranch.scsi.api.Nexus;

/**
 * State that a family of commands keeps for each logical unit. The unit tells it what it must hear
 * of, and hands it to the commands that ask for it by class ({@link LogicalUnit#part}).
 * Thread-safe.
 */
public interface UnitPart {
  /** The nexus is gone, or sees the unit no more. */
  default void nexusLost(Nexus nexus) {}

  /** The unit was reset (SAM-5 6.3.3). */
  default void reset() {}
}
