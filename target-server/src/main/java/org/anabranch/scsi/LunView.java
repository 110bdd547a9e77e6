// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The logical units that one initiator sees, by LUN. Immutable.
 *
 * <p>A LUN is single level (SAM-5 4.7.3): below 256 the peripheral device method with bus 0, above
 * the flat space method, up to 16383. Both methods are understood for a LUN below 256.
 */
final class LunView {
  static final int MOST_LUN = 16383;
  static final LunView EMPTY = new LunView(new TreeMap<>());

  private static final int PERIPHERAL = 0;
  private static final int FLAT = 1;

  private final SortedMap<Integer, LogicalUnit> byLun;

  /** The same, indexed by LUN. */
  private final @Nullable LogicalUnit[] table;

  LunView(SortedMap<Integer, LogicalUnit> units) {
    byLun = new TreeMap<>(units);
    table = new @Nullable LogicalUnit[byLun.isEmpty() ? 0 : byLun.lastKey() + 1];
    byLun.forEach((lun, unit) -> table[lun] = unit);
  }

  /** The unit that a LUN field addresses, or null. */
  @Nullable LogicalUnit unit(long field) {
    int lun = parse(field);
    return lun >= 0 && lun < table.length ? table[lun] : null;
  }

  Map<Integer, LogicalUnit> units() {
    return byLun;
  }

  /** The number in a LUN field of eight bytes, or -1 if it is of no form that is used here. */
  static int parse(long field) {
    if ((field & 0xffff_ffff_ffffL) != 0) {
      return -1;
    }
    int method = (int) (field >>> 62);
    int number = (int) (field >>> 48) & 0x3fff;
    return switch (method) {
      case PERIPHERAL -> number <= 0xff ? number : -1;
      case FLAT -> number;
      default -> -1;
    };
  }

  /** The LUN field for a number, as REPORT LUNS gives it. */
  static long field(int lun) {
    return (lun <= 0xff ? lun : lun | FLAT << 14) * (1L << 48);
  }
}
