// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who may hold the reservation of a LUN, Write Exclusive. One initiator at a time changes it; what
 * became of a change whose answer was lost is not known until a later one says it.
 */
final class Reservations {
  private static final String NOBODY = "";

  private final Set<SimTask> tasks = new LinkedHashSet<>();
  private Set<String> possible = Set.of(NOBODY);
  private @Nullable SimTask change;

  /** Whether nobody is changing it. */
  boolean isIdle() {
    return change == null;
  }

  /** A command is sent. */
  void begin(SimTask task) {
    task.holders.addAll(possible);
    tasks.add(task);
    if (task.kind == SimTask.Kind.RESERVE || task.kind == SimTask.Kind.RELEASE) {
      change = task;
    }
  }

  /** A command is over, whether or not it was answered. */
  void over(SimTask task) {
    tasks.remove(task);
    if (change == task) {
      change = null;
    }
  }

  /** A change may take effect from now on. */
  void mayTakeEffect(SimTask task, String by) {
    Set<String> both = new HashSet<>(possible);
    both.addAll(after(task, by));
    become(both);
  }

  private Set<String> after(SimTask task, String by) {
    Set<String> states = new HashSet<>();
    for (String holder : possible) {
      boolean reserve = task.kind == SimTask.Kind.RESERVE;
      states.add(
          reserve ? holder.equals(NOBODY) ? by : holder : holder.equals(by) ? NOBODY : holder);
    }
    return states;
  }

  /** A change has succeeded; what is wrong with that, or null. */
  @Nullable String succeeded(SimTask task, String by) {
    if (task.kind == SimTask.Kind.RESERVE) {
      if (!possible.contains(NOBODY) && !possible.contains(by)) {
        return "reserved, though " + possible + " holds the reservation";
      }
      become(Set.of(by));
    } else {
      become(after(task, by));
    }
    return null;
  }

  /** A change was refused because of another holder. */
  @Nullable String conflicted(String by) {
    Set<String> others = new HashSet<>(possible);
    others.remove(NOBODY);
    others.remove(by);
    if (others.isEmpty()) {
      return "reservation conflict, though " + possible + " holds the reservation";
    }
    become(others);
    return null;
  }

  private void become(Set<String> states) {
    possible = states;
    tasks.forEach(task -> task.holders.addAll(states));
  }

  /** Whether a command that is under way may have been admitted. */
  static boolean mayPass(SimTask task, String by) {
    return task.holders.contains(NOBODY) || task.holders.contains(by);
  }

  /** Whether a command that is under way may have met somebody else's reservation. */
  static boolean mayConflict(SimTask task, String by) {
    return task.holders.stream().anyMatch(holder -> !holder.equals(NOBODY) && !holder.equals(by));
  }
}
