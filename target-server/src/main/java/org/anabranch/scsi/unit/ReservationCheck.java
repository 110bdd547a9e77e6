// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import org.anabranch.scsi.api.Nexus;

/** Whether another I_T nexus has reserved a logical unit. */
public interface ReservationCheck extends UnitPart {
  /** Whether a reservation stops a command with this access. Called for every command. */
  boolean conflicts(Nexus nexus, Access access);
}
