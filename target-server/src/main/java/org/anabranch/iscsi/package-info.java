// SPDX-License-Identifier: Apache-2.0

/**
 * iSCSI (RFC 7143): PDUs, login, sessions and tasks. Calls {@code scsi}; knows nothing below it.
 */
@NullMarked
package org.anabranch.iscsi;

import org.jspecify.annotations.NullMarked;
