// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import org.jspecify.annotations.Nullable;

/** Persistent reservation types (SPC-4 6.15.3.4). */
public enum ReservationType {
  WRITE_EXCLUSIVE(1, false, false),
  EXCLUSIVE_ACCESS(3, false, false),
  WRITE_EXCLUSIVE_REGISTRANTS_ONLY(5, true, false),
  EXCLUSIVE_ACCESS_REGISTRANTS_ONLY(6, true, false),
  WRITE_EXCLUSIVE_ALL_REGISTRANTS(7, true, true),
  EXCLUSIVE_ACCESS_ALL_REGISTRANTS(8, true, true);

  final int code;

  /** Every registered nexus may do as the holder may. */
  final boolean forRegistrants;

  /** Every registered nexus holds the reservation. */
  final boolean heldByAll;

  ReservationType(int code, boolean forRegistrants, boolean heldByAll) {
    this.code = code;
    this.forRegistrants = forRegistrants;
    this.heldByAll = heldByAll;
  }

  boolean isExclusiveAccess() {
    return this == EXCLUSIVE_ACCESS
        || this == EXCLUSIVE_ACCESS_REGISTRANTS_ONLY
        || this == EXCLUSIVE_ACCESS_ALL_REGISTRANTS;
  }

  static @Nullable ReservationType of(int code) {
    for (ReservationType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    return null;
  }
}
