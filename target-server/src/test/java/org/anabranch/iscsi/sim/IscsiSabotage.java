// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import java.util.List;
import org.anabranch.initiator.Pdu;
import org.anabranch.scsi.api.TaskRouter;

/** What is made wrong in a {@link SimTarget}, to see whether the simulator notices. */
interface IscsiSabotage {
  /** Nothing. */
  IscsiSabotage NONE = new IscsiSabotage() {};

  /** What an initiator gets in place of a PDU. */
  default List<Pdu> fromTarget(Pdu pdu) {
    return List.of(pdu);
  }

  /** What stands between the sessions and the logical units. */
  default TaskRouter router(TaskRouter real, SimTarget target) {
    return real;
  }

  /** A connection was cut or has fallen silent. */
  default void lost(SimTarget target) {}
}
