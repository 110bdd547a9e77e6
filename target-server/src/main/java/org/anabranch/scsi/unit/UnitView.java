// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import java.util.List;
import java.util.function.Supplier;
import org.anabranch.scsi.api.TargetPort;

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

  /** The ports of the target device that shows it; none before it is attached. */
  private volatile Supplier<List<TargetPort>> ports = List::of;

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

  /** A target device shows the unit by this view; its ports may change. */
  public void attachedTo(Supplier<List<TargetPort>> devicePorts) {
    ports = devicePorts;
  }

  /** The ports through which the unit is reached by this view. */
  List<TargetPort> ports() {
    return ports.get();
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
