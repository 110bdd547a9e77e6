// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.anabranch.scsi.api.TaskAttribute;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of a {@link TaskSet} in their order, oldest first, and which of them their attributes
 * allow to run (SAM-5 8). A list linked through the tasks: entering and leaving cost the same
 * however many there are.
 *
 * <pre>
 *   attribute       enters at   may run when the set holds
 *   SIMPLE, ACA     the end     no older ORDERED or HEAD OF QUEUE task
 *   ORDERED         the end     no older task at all
 *   HEAD OF QUEUE   the front   anything
 * </pre>
 *
 * While the device is held back, only tasks that make no Io may run.
 *
 * <p>Not thread-safe: guarded by the lock of its task set.
 */
final class TaskOrder {
  private @Nullable UnitTask oldest;
  private @Nullable UnitTask newest;
  private int size;

  /** Tasks that are ORDERED or HEAD OF QUEUE. */
  private int special;

  private int blocked;

  int size() {
    return size;
  }

  /** A task enters; it is PREPARED from now on. */
  void enter(UnitTask task) {
    task.phase = UnitTask.Phase.PREPARED;
    if (task.attribute() == TaskAttribute.HEAD_OF_QUEUE) {
      linkFirst(task);
    } else {
      linkLast(task);
    }
    size++;
    if (isSpecial(task)) {
      special++;
    }
  }

  /** A task leaves, to be in another phase from now on. */
  void leave(UnitTask task, UnitTask.Phase next) {
    if (task.phase == UnitTask.Phase.BLOCKED) {
      blocked--;
    }
    task.phase = next;
    unlink(task);
    size--;
    if (isSpecial(task)) {
      special--;
    }
  }

  /** A complete task runs from now on, or is blocked. Returns whether it runs. */
  boolean begin(UnitTask task, boolean heldBack) {
    boolean runs = (!heldBack || task.makesNoIo()) && mayRun(task);
    task.phase = runs ? UnitTask.Phase.RUNNING : UnitTask.Phase.BLOCKED;
    if (!runs) {
      blocked++;
    }
    return runs;
  }

  /** Makes the blocked tasks RUNNING that may run now, and returns them. */
  List<UnitTask> enable(boolean heldBack) {
    if (blocked == 0) {
      return List.of();
    }
    List<UnitTask> enabled = new ArrayList<>();
    boolean behindSpecial = false;
    for (UnitTask each = oldest; each != null; each = each.newer) {
      if (each.phase == UnitTask.Phase.BLOCKED
          && (!heldBack || each.makesNoIo())
          && inOrder(each, behindSpecial)) {
        each.phase = UnitTask.Phase.RUNNING;
        blocked--;
        enabled.add(each);
      }
      behindSpecial |= isSpecial(each);
    }
    return enabled;
  }

  /** The tasks that {@code which} chooses, oldest first. */
  List<UnitTask> find(Predicate<UnitTask> which) {
    List<UnitTask> found = new ArrayList<>();
    for (UnitTask task = oldest; task != null; task = task.newer) {
      if (which.test(task)) {
        found.add(task);
      }
    }
    return found;
  }

  private boolean mayRun(UnitTask task) {
    boolean behindSpecial = false;
    if (special > 0 && !isSpecial(task)) {
      for (UnitTask before = task.older; before != null; before = before.older) {
        behindSpecial |= isSpecial(before);
      }
    }
    return inOrder(task, behindSpecial);
  }

  private static boolean inOrder(UnitTask task, boolean behindSpecial) {
    return switch (task.attribute()) {
      case HEAD_OF_QUEUE -> true;
      case ORDERED -> task.older == null;
      default -> !behindSpecial;
    };
  }

  private static boolean isSpecial(UnitTask task) {
    return task.attribute() == TaskAttribute.ORDERED
        || task.attribute() == TaskAttribute.HEAD_OF_QUEUE;
  }

  private void linkFirst(UnitTask task) {
    task.newer = oldest;
    if (oldest == null) {
      newest = task;
    } else {
      oldest.older = task;
    }
    oldest = task;
  }

  private void linkLast(UnitTask task) {
    task.older = newest;
    if (newest == null) {
      oldest = task;
    } else {
      newest.newer = task;
    }
    newest = task;
  }

  private void unlink(UnitTask task) {
    if (task.older == null) {
      oldest = task.newer;
    } else {
      task.older.newer = task.newer;
    }
    if (task.newer == null) {
      newest = task.older;
    } else {
      task.newer.older = task.older;
    }
    task.older = null;
    task.newer = null;
  }
}
