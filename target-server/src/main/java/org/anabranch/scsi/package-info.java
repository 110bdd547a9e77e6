// SPDX-License-Identifier: Apache-2.0
/**
 * SCSI: commands, logical units, sense. Knows no transport: iSCSI (or anything else) drives it
 * through {@link org.anabranch.scsi.TaskRouter} and {@link org.anabranch.scsi.Task}. Below it are
 * the block devices of blockcore.
 *
 * <pre>
 *   TargetDevice            the LUNs of one target, and who sees which: UnitView, LunInventory
 *   UnitRegistry            one LogicalUnit for each device, by however many views
 *   LogicalUnit             the state of a unit; Admission: whether a command may run; TaskSet: when
 *   CommandTable, Command   what there is; one class of commands for each family
 *   Reservations            RESERVE and persistent ones; SavedReservations: as they are kept
 *   RangeLocks              what writes at once, and what excludes writes
 *   Sanitizer               SANITIZE and FORMAT UNIT
 *   CopyOperation           EXTENDED COPY
 * </pre>
 */
@NullMarked
package org.anabranch.scsi;

import org.jspecify.annotations.NullMarked;
