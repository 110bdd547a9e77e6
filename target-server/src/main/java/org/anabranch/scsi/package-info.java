// SPDX-License-Identifier: Apache-2.0
/**
 * SCSI: commands, logical units, sense. Knows no transport: iSCSI (or anything else) drives it
 * through {@code TaskRouter} and {@code Task} of its package {@code api}. Below it are the block
 * devices of blockcore.
 *
 * <pre>
 *   api          what a transport sees: Task, TaskRouter, Nexus, Status, Sense
 *   data         what goes over the wire: CDBs, parameter lists, identities and designators
 *   unit         LogicalUnit and its state: task set, attentions, locks, mode pages, medium
 *   device       TargetDevice: the LUNs of one target, and who sees which
 *   reservation  RESERVE and persistent reservations
 *   copy         EXTENDED COPY
 *   command      all other commands, a class for each family; CommandTable, DiskUnit
 * </pre>
 *
 * A package uses those above it in this list; reservation and copy do not use each other.
 */
@NullMarked
package org.anabranch.scsi;

import org.jspecify.annotations.NullMarked;
