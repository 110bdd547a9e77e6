// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.io.IOException;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Scheduler;
import org.anabranch.scsi.copy.CopyResults;
import org.anabranch.scsi.reservation.ReservationStore;
import org.anabranch.scsi.reservation.Reservations;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.UnitProperties;

/** Puts logical units together: disks, with the commands of {@link CommandTable#DISK}. */
public final class DiskUnit {
  private DiskUnit() {}

  /** A unit that forgets its persistent reservations on a restart. */
  public static LogicalUnit of(BlockDevice device, UnitProperties properties, Scheduler scheduler) {
    return of(device, properties, scheduler, new Reservations(properties.identity().id()));
  }

  /**
   * A unit that keeps its persistent reservations.
   *
   * @param store where persistent reservations survive a restart
   * @throws IOException if those that were saved can't be read
   */
  public static LogicalUnit of(
      BlockDevice device, UnitProperties properties, Scheduler scheduler, ReservationStore store)
      throws IOException {
    return of(device, properties, scheduler, new Reservations(properties.identity().id(), store));
  }

  /** A unit whose persistent reservations are kept as {@code reservations} says. */
  public static LogicalUnit of(
      BlockDevice device,
      UnitProperties properties,
      Scheduler scheduler,
      Reservations reservations) {
    return new LogicalUnit(
        device, properties, scheduler, CommandTable.DISK, reservations, new CopyResults());
  }
}
