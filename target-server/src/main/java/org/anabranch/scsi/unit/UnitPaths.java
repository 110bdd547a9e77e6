// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.anabranch.scsi.api.TargetPort;

/** The paths to one logical unit. A unit whose last path is gone is retired, and gets no more. */
final class UnitPaths {
  /** REPORT TARGET PORT GROUPS counts the ports of a group in one byte (SPC-4 6.37). */
  static final int MAX_PORTS = 255;

  private final Object lock = new Object();

  @GuardedBy("lock")
  private final List<UnitView> views = new ArrayList<>();

  @GuardedBy("lock")
  private boolean retired;

  /** Adds a path; false if the unit is retired. */
  boolean add(UnitView view) {
    synchronized (lock) {
      if (!retired) {
        views.add(view);
      }
      return !retired;
    }
  }

  /** Removes a path; true if it was the last one, which retires the unit. */
  boolean remove(UnitView view) {
    synchronized (lock) {
      boolean last = views.remove(view) && views.isEmpty();
      retired |= last;
      return last;
    }
  }

  /** The target ports of all paths, by relative port identifier; at most {@link #MAX_PORTS}. */
  List<TargetPort> ports() {
    List<UnitView> now;
    synchronized (lock) {
      now = List.copyOf(views);
    }
    return now.stream()
        .flatMap(view -> view.ports().stream())
        .distinct()
        .sorted(Comparator.comparingInt(TargetPort::relativeIdentifier))
        .limit(MAX_PORTS)
        .toList();
  }
}
