// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import org.anabranch.block.BlockDevice;
import org.jspecify.annotations.Nullable;

/**
 * The logical units of a server: one for each device, however many LUNs of however many targets
 * show it (SAM-5 4.5.19). So a reservation that is made by one path holds on all of them, and
 * COMPARE AND WRITE excludes writes by every path.
 *
 * <p>A unit begins with its first view and ends with its last. Thread-safe.
 */
public final class UnitRegistry {
  /** Makes the unit of a device that has none. */
  @FunctionalInterface
  public interface Factory {
    /**
     * Makes it. May block.
     *
     * @throws IOException if its saved reservations can't be read
     */
    LogicalUnit make() throws IOException;
  }

  /** By identity. Units that are retired may be in it. */
  @GuardedBy("this")
  private final IdentityHashMap<BlockDevice, LogicalUnit> units = new IdentityHashMap<>();

  /**
   * A path to the unit of a device.
   *
   * @param factory called if the device has no unit
   */
  public synchronized UnitView view(BlockDevice device, PathAccess access, Factory factory)
      throws IOException {
    LogicalUnit unit = units.get(device);
    UnitView view = unit == null ? null : unit.tryView(access);
    if (view == null) {
      unit = factory.make();
      unit.whenRetired(this::forget);
      units.put(device, unit);
      view = unit.view(access);
    }
    return view;
  }

  private synchronized void forget(LogicalUnit unit) {
    units.remove(unit.device(), unit);
  }

  /** The unit of a device, or null if no path leads to it. */
  public synchronized @Nullable LogicalUnit find(BlockDevice device) {
    return units.get(device);
  }

  /** Those that there are now. */
  public synchronized Collection<LogicalUnit> units() {
    return List.copyOf(units.values());
  }
}
