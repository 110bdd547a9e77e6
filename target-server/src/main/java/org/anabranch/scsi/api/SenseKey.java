// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

/** Sense keys (SPC-4 4.5.6). */
public enum SenseKey {
  NO_SENSE(0x0),
  NOT_READY(0x2),
  MEDIUM_ERROR(0x3),
  HARDWARE_ERROR(0x4),
  ILLEGAL_REQUEST(0x5),
  UNIT_ATTENTION(0x6),
  DATA_PROTECT(0x7),
  COPY_ABORTED(0xa),
  MISCOMPARE(0xe);

  public final int code;

  SenseKey(int code) {
    this.code = code;
  }
}
