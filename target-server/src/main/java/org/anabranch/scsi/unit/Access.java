// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

/** Which reservations of another I_T nexus stop a command (SPC-4 5.12.1 and SBC-3 4.17). */
public enum Access {
  /** None does. */
  FREE,
  /** The one that RESERVE makes does (SPC-2 5.5.1), and no persistent one. */
  STATUS,
  /** The same, and one's own as well: what deals with persistent ones (SPC-2 5.5.1). */
  PERSISTENT,
  /** Exclusive access does. */
  READ,
  /** Any does. */
  WRITE
}
