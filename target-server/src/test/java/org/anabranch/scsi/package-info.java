// SPDX-License-Identifier: Apache-2.0
/** Tests of the SCSI layer, driven through its door without a transport. */
@NullMarked
package org.anabranch.scsi;

import org.jspecify.annotations.NullMarked;
