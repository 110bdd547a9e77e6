// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

/** Which reservations of another I_T nexus stop a command (SPC-4 5.12.1 and SBC-3 4.17). */
public enum Access {
  /** No reservation does. */
  FREE,
  /** A reservation by RESERVE does (SPC-2 5.5.1); persistent reservations do not. */
  STATUS,
  /**
   * As {@link #STATUS}, but even one by the same nexus: persistent reserve commands (SPC-2 5.5.1).
   */
  PERSISTENT,
  /** A reservation for exclusive access does. */
  READ,
  /** Any reservation does. */
  WRITE
}
