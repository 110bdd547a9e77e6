// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.anabranch.block.Scheduler;

/**
 * A SCSI target device: the logical units behind one iSCSI target, and who may see which.
 *
 * <p>Units come and go while initiators are logged in; whoever's view changes gets the unit
 * attention REPORTED LUNS DATA HAS CHANGED on every unit that it sees. A unit that is removed ends
 * the tasks that it has; new ones to its LUN are refused.
 */
public final class TargetDevice implements TaskRouter {
  /** One LUN: the unit, and the initiators that see it. */
  private record Entry(LogicalUnit unit, Predicate<String> visibleTo) {}

  private final Object lock = new Object();

  /** Guarded by lock. */
  private final SortedMap<Integer, Entry> luns = new TreeMap<>();

  private final Set<Nexus> nexuses = new CopyOnWriteArraySet<>();
  private final AbsentUnit absent;
  private volatile List<TargetPort> ports;

  /**
   * @param ports the target's ports, for REPORT TARGET PORT GROUPS
   */
  public TargetDevice(List<TargetPort> ports, Scheduler scheduler) {
    this.ports = List.copyOf(ports);
    absent = new AbsentUnit(scheduler);
  }

  /** The ports have changed. */
  public void ports(List<TargetPort> newPorts) {
    ports = List.copyOf(newPorts);
  }

  /** The sessions that there are now. */
  Collection<Nexus> nexuses() {
    return nexuses;
  }

  List<TargetPort> ports() {
    return ports;
  }

  /**
   * Puts a unit at a LUN, in place of one that may be there.
   *
   * @param lun 0 to 16383
   * @param visibleTo which initiators see it, by iSCSI name
   */
  public void attach(int lun, LogicalUnit unit, Predicate<String> visibleTo) {
    if (lun < 0 || lun > LunView.MOST_LUN) {
      throw new IllegalArgumentException("LUN " + lun + ": 0 to " + LunView.MOST_LUN);
    }
    List<Runnable> losses = new ArrayList<>();
    LogicalUnit replaced = null;
    synchronized (lock) {
      Entry before = luns.put(lun, new Entry(unit, visibleTo));
      if (before != null && before.unit != unit) {
        replaced = before.unit;
      }
      refreshViews(losses);
    }
    losses.forEach(Runnable::run);
    if (replaced != null) {
      replaced.retire(() -> {});
    }
  }

  /**
   * Takes the unit at a LUN away for good; harmless if there is none.
   *
   * @param ended told when the unit's tasks have ended, so that its device can be let go
   */
  public void detach(int lun, Runnable ended) {
    List<Runnable> losses = new ArrayList<>();
    Entry gone;
    synchronized (lock) {
      gone = luns.remove(lun);
      refreshViews(losses);
    }
    losses.forEach(Runnable::run);
    if (gone == null) {
      ended.run();
    } else {
      gone.unit.retire(ended);
    }
  }

  /** The same for those who need not know when. */
  public void detach(int lun) {
    detach(lun, () -> {});
  }

  /**
   * Shows every nexus what it may see now.
   *
   * @param losses what is to be done about units that a nexus sees no more, without the lock
   */
  private void refreshViews(List<Runnable> losses) {
    for (Nexus nexus : nexuses) {
      LunView before = nexus.view();
      LunView after = viewOf(nexus.initiator().name());
      if (before.units().equals(after.units())) {
        continue;
      }
      for (LogicalUnit unit : after.units().values()) {
        unit.attentions().join(nexus);
        unit.attentions().add(nexus, SenseCode.REPORTED_LUNS_DATA_HAS_CHANGED);
      }
      nexus.view(after);
      for (LogicalUnit unit : before.units().values()) {
        if (!after.units().containsValue(unit)) {
          losses.add(() -> unit.nexusLost(nexus));
        }
      }
    }
  }

  private LunView viewOf(String initiator) {
    SortedMap<Integer, LogicalUnit> seen = new TreeMap<>();
    luns.forEach((lun, entry) -> {
      if (entry.visibleTo.test(initiator)) {
        seen.put(lun, entry.unit);
      }
    });
    return new LunView(seen);
  }

  @Override
  public Nexus open(InitiatorPort initiator, TargetPort port) {
    Nexus nexus = new Nexus(this, initiator, port);
    synchronized (lock) {
      LunView view = viewOf(initiator.name());
      nexus.view(view);
      for (LogicalUnit unit : view.units().values()) {
        unit.attentions().join(nexus);
        unit.attentions().add(nexus, SenseCode.POWER_ON_OR_RESET);
      }
      nexuses.add(nexus);
    }
    return nexus;
  }

  @Override
  public void close(Nexus nexus) {
    List<LogicalUnit> units;
    synchronized (lock) {
      nexuses.remove(nexus);
      units = new ArrayList<>(nexus.view().units().values());
      nexus.view(LunView.EMPTY);
    }
    units.forEach(unit -> unit.nexusLost(nexus));
    absent
        .tasks()
        .abort(task -> task.nexus() == nexus, nexus, Task.Abort.SILENTLY, task -> {}, () -> {});
  }

  @Override
  public void prepare(Task task) {
    LogicalUnit unit = task.nexus().view().unit(task.lun());
    if (unit == null || !unit.prepare(task)) {
      absent.prepare(task);
    }
  }

  @Override
  public void execute(Task task) {
    Objects.requireNonNull(task.set, "not prepared").execute(task);
  }

  @Override
  public void abandon(Task task) {
    Objects.requireNonNull(task.set, "not prepared")
        .abort(each -> each == task, task.nexus(), Task.Abort.SILENTLY, each -> {}, () -> {});
  }

  @Override
  public void manage(
      Nexus nexus,
      TaskManagementFunction function,
      long lun,
      int tag,
      Consumer<TaskManagementFunction.Response> done) {
    switch (function) {
      case CLEAR_ACA -> done.accept(TaskManagementFunction.Response.NOT_SUPPORTED);
      case TARGET_WARM_RESET, TARGET_COLD_RESET -> resetAll(nexus, done);
      default -> {
        LogicalUnit unit = nexus.view().unit(lun);
        if (unit == null) {
          done.accept(TaskManagementFunction.Response.INCORRECT_LOGICAL_UNIT);
        } else {
          TaskManagement.run(unit, nexus, function, tag, done);
        }
      }
    }
  }

  /** Hard reset (SAM-5 6.3.2): every unit that the nexus sees, for everybody. */
  private static void resetAll(Nexus nexus, Consumer<TaskManagementFunction.Response> done) {
    List<LogicalUnit> units = List.copyOf(nexus.view().units().values());
    AtomicInteger left = new AtomicInteger(units.size() + 1);
    Runnable one =
        () -> {
          if (left.decrementAndGet() == 0) {
            done.accept(TaskManagementFunction.Response.COMPLETE);
          }
        };
    units.forEach(unit -> unit.reset(nexus, SenseCode.TARGET_RESET_OCCURRED, one));
    one.run();
  }
}
