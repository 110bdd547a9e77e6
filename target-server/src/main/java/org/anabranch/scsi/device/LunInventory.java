// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.device;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.PathAccess;
import org.anabranch.scsi.unit.UnitView;
import org.jspecify.annotations.Nullable;

/**
 * What one initiator sees of a target device: views of logical units, by LUN (SPC-4 logical unit
 * inventory). Immutable.
 *
 * <p>A LUN is single level (SAM-5 4.7.3): below 256 the peripheral device method with bus 0, above
 * the flat space method, up to 16383. For a LUN below 256 both methods are accepted.
 */
public final class LunInventory {
  static final int MAX_LUN = 16383;
  static final LunInventory EMPTY = new LunInventory(new TreeMap<>());

  private static final int PERIPHERAL = 0;
  private static final int FLAT = 1;

  private final SortedMap<Integer, UnitView> byLun;

  /** The same, indexed by LUN. */
  private final @Nullable UnitView[] table;

  LunInventory(SortedMap<Integer, UnitView> views) {
    byLun = new TreeMap<>(views);
    table = new @Nullable UnitView[byLun.isEmpty() ? 0 : byLun.lastKey() + 1];
    byLun.forEach((lun, view) -> table[lun] = view);
  }

  /** What the initiator of a nexus sees now. The nexus was opened by a {@link TargetDevice}. */
  public static LunInventory of(Nexus nexus) {
    return ((TargetNexus) nexus).inventory();
  }

  /** What a LUN field addresses, or null. */
  @Nullable UnitView view(long field) {
    int lun = parse(field);
    return lun >= 0 && lun < table.length ? table[lun] : null;
  }

  Map<Integer, UnitView> views() {
    return byLun;
  }

  /** The units, each once: two LUNs may show the same one. */
  public Set<LogicalUnit> units() {
    Set<LogicalUnit> units = new LinkedHashSet<>();
    byLun.values().forEach(view -> units.add(view.unit()));
    return units;
  }

  /** Whether one of the LUNs shows the unit and allows writes. */
  public boolean allowsWrites(LogicalUnit unit) {
    return byLun.values().stream()
        .anyMatch(view -> view.unit() == unit && view.access() == PathAccess.READ_WRITE);
  }

  /** The number in a LUN field of eight bytes, or -1 if the addressing method is not supported. */
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
  public static long field(int lun) {
    return (lun <= 0xff ? lun : lun | FLAT << 14) * (1L << 48);
  }
}
