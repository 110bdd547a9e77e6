// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.rate.SharedLimits;
import org.anabranch.server.rate.VolumeRates;
import org.anabranch.server.state.PortNumbers;
import org.anabranch.server.state.ReservationFiles;
import org.anabranch.server.storage.Storage;

/**
 * What goes with a volume to the server that gets it, besides its snapshots. Any thread.
 *
 * @param reservations who has reserved its disks
 * @param limits what initiators may do with it, as commands have said
 */
public record Carried(UnitReservations reservations, SharedLimits limits) {
  /**
   * Nothing is read yet.
   *
   * @param files what this server keeps of the disks that it alone has
   */
  public static Carried of(
      Storage storage, ReservationFiles files, PortNumbers ports, VolumeRates rates) {
    return new Carried(
        new UnitReservations(storage, files, ports), new SharedLimits(storage::sharedImage, rates));
  }

  /**
   * This server gets a volume, or is about to: reads all that. May block.
   *
   * @throws RefusedException when it cannot be read who has reserved it
   */
  void arrive(String volume) throws RefusedException {
    reservations.arrive(volume);
    limits.arrive(volume);
  }
}
