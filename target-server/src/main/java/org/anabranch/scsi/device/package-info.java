// SPDX-License-Identifier: Apache-2.0
/**
 * A SCSI target device: {@link org.anabranch.scsi.device.TargetDevice} shows logical units at LUNs,
 * each initiator its own {@code LunInventory}, and carries out task management. {@code
 * IncorrectLogicalUnit} answers at LUNs that show nothing.
 */
@NullMarked
package org.anabranch.scsi.device;

import org.jspecify.annotations.NullMarked;
