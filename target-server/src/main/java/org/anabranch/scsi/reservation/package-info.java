// SPDX-License-Identifier: Apache-2.0
/**
 * Who may use a logical unit: RESERVE and RELEASE (SPC-2) and persistent reservations (SPC-4 5.12).
 *
 * <pre>
 *   Reservations            both kinds for one unit, under one lock
 *   PersistentReservations  the rules of the persistent ones, without CDBs and sessions
 *   SavedReservations       the persistent ones as text, for a ReservationStore (APTPL)
 *   PersistentReserveOut, PersistentReserveIn, ReserveCommands   the commands
 * </pre>
 */
@NullMarked
package org.anabranch.scsi.reservation;

import org.jspecify.annotations.NullMarked;
