// SPDX-License-Identifier: Apache-2.0
/**
 * The commands of a disk, one class for each family, and {@link
 * org.anabranch.scsi.command.CommandTable}, which finds a command by its CDB. {@link
 * org.anabranch.scsi.command.DiskUnit} puts a logical unit together: device, commands, reservations
 * and copies.
 */
@NullMarked
package org.anabranch.scsi.command;

import org.jspecify.annotations.NullMarked;
