// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One path to a logical unit: a LUN of a target. The unit has the task set, reservations, unit
 * attentions, locks and mode pages, whatever the path; a view has what belongs to the path alone:
 * what it allows, and which tasks came through it.
 *
 * <p>Made by {@link LogicalUnit#view} or {@link UnitRegistry#view}. Compared by identity.
 */
public final class UnitView {
  private final LogicalUnit unit;
  private final PathAccess access;

  /** Where it is attached, for the ports of the unit; null before. */
  private volatile @Nullable TargetDevice device;

  private volatile boolean closed;

  UnitView(LogicalUnit unit, PathAccess access) {
    this.unit = unit;
    this.access = access;
  }

  public LogicalUnit unit() {
    return unit;
  }

  public PathAccess access() {
    return access;
  }

  /** The target device that shows the unit by this view. */
  void attachedTo(TargetDevice target) {
    device = target;
  }

  /** The ports through which the unit is reached by this view. */
  List<TargetPort> ports() {
    TargetDevice target = device;
    return target == null ? List.of() : target.ports();
  }

  boolean isClosed() {
    return closed;
  }

  /**
   * Takes the path away for good: its tasks are aborted and no more come. The last path takes the
   * unit with it. A second call does nothing but tell.
   *
   * @param ended told when the tasks have ended, so that the device can be released
   */
  public void close(Runnable ended) {
    closed = true;
    unit.close(this, ended);
  }
}
