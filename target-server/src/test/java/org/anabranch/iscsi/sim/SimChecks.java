// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

/** The last look at a target. */
final class SimChecks {
  private static final int PIECE = 100;

  private SimChecks() {}

  /** Reads every sector, behind the unit attentions that a new session gets. */
  static void lookAtEverything(SimTarget target, SimInitiator reader) {
    SimTasks tasks = reader.tasks();
    for (int lun = 0; lun < SimTarget.LUNS; lun++) {
      long before;
      do {
        before = tasks.attentions(lun);
        tasks.ready(lun);
        target.scheduler().runUntil(tasks::isEmpty, "the unit to be ready");
      } while (tasks.attentions(lun) != before);
      for (int sector = 0; sector < SimTarget.SECTORS; sector += PIECE) {
        tasks.read(lun, sector, Math.min(PIECE, SimTarget.SECTORS - sector));
        target.scheduler().runUntil(tasks::isEmpty, "LUN " + lun + " to be read");
      }
    }
  }
}
