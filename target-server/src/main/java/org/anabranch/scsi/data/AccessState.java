// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.data;

/** The asymmetric access states of a target port group that occur here (SPC-4 5.15.2.4). */
public enum AccessState {
  /** All commands are processed. */
  ACTIVE_OPTIMIZED(0x0),
  /** Only commands that do not need the medium are; another group reaches it. */
  STANDBY(0x2);

  /** As REPORT TARGET PORT GROUPS has it. */
  public final int code;

  AccessState(int code) {
    this.code = code;
  }
}
