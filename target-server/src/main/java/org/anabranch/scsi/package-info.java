// SPDX-License-Identifier: Apache-2.0
/**
 * SCSI: commands, logical units, sense. Knows no transport: iSCSI (or anything else) drives it
 * through {@link org.anabranch.scsi.TaskRouter} and {@link org.anabranch.scsi.Task}. Below it are
 * the block devices of blockcore.
 */
@NullMarked
package org.anabranch.scsi;

import org.jspecify.annotations.NullMarked;
