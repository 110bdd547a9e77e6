// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.device;

import org.anabranch.scsi.api.InitiatorPort;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.TargetPort;

/** A nexus of a {@link TargetDevice}, with the LUNs that its initiator sees. */
final class TargetNexus extends Nexus {
  /** Replaced by the target device, under its lock, when it changes. */
  private volatile LunInventory inventory = LunInventory.EMPTY;

  TargetNexus(InitiatorPort initiator, TargetPort port) {
    super(initiator, port);
  }

  LunInventory inventory() {
    return inventory;
  }

  void inventory(LunInventory newInventory) {
    inventory = newInventory;
  }
}
