// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
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
import org.anabranch.scsi.api.InitiatorPort;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.api.TaskRouter;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.PathAccess;
import org.anabranch.scsi.unit.TaskSet;
import org.anabranch.scsi.unit.UnitView;

/**
 * A SCSI target device: the LUNs of one iSCSI target, and who may see which. What a LUN shows is a
 * {@link UnitView}: other LUNs, of other targets too, may show the same unit.
 *
 * <p>LUNs come and go while initiators are logged in. An initiator whose inventory changes gets the
 * unit attention REPORTED LUNS DATA HAS CHANGED on every unit that it sees. A LUN that is removed
 * ends the tasks that came by it; new ones are refused.
 */
public final class TargetDevice implements TaskRouter {
  /** One LUN: the unit, and the initiators that see it. */
  private record Entry(UnitView view, Predicate<String> visibleTo) {}

  private final Object lock = new Object();

  @GuardedBy("lock")
  private final SortedMap<Integer, Entry> luns = new TreeMap<>();

  /** Changed under lock; read without. */
  private final Set<TargetNexus> nexuses = new CopyOnWriteArraySet<>();

  private final IncorrectLogicalUnit absent;
  private volatile List<TargetPort> ports;

  /**
   * @param ports the target's ports; no other port of the server has one of their relative
   *     identifiers, since a unit may be shown by several targets
   */
  public TargetDevice(List<TargetPort> ports, Scheduler scheduler) {
    this.ports = List.copyOf(ports);
    absent = new IncorrectLogicalUnit(scheduler);
  }

  /** The ports have changed. */
  public void ports(List<TargetPort> newPorts) {
    ports = List.copyOf(newPorts);
  }

  List<TargetPort> ports() {
    return ports;
  }

  /**
   * Shows a unit at a LUN. If the LUN shows another unit, it replaces that and closes its view.
   *
   * @param lun 0 to 16383
   * @param view attached to no other LUN
   * @param visibleTo which initiators see it, by iSCSI name
   */
  public void attach(int lun, UnitView view, Predicate<String> visibleTo) {
    if (lun < 0 || lun > LunInventory.MAX_LUN) {
      throw new IllegalArgumentException("LUN " + lun + ": 0 to " + LunInventory.MAX_LUN);
    }
    view.attachedTo(this::ports);
    List<Runnable> losses = new ArrayList<>();
    UnitView replaced = null;
    synchronized (lock) {
      Entry before = luns.put(lun, new Entry(view, visibleTo));
      if (before != null && before.view != view) {
        replaced = before.view;
      }
      refreshInventories(losses);
    }
    losses.forEach(Runnable::run);
    if (replaced != null) {
      replaced.close(() -> {});
    }
  }

  /** Shows a unit at a LUN by a view of its own, which allows writes. */
  public void attach(int lun, LogicalUnit unit, Predicate<String> visibleTo) {
    attach(lun, unit.view(PathAccess.READ_WRITE), visibleTo);
  }

  /**
   * Removes a LUN; does nothing if there is none. Aborts the tasks that came by this LUN or, if it
   * was the last path to the unit, all tasks of the unit.
   *
   * @param ended runs when these tasks have ended, so that the unit's device can be released
   */
  public void detach(int lun, Runnable ended) {
    List<Runnable> losses = new ArrayList<>();
    Entry gone;
    synchronized (lock) {
      gone = luns.remove(lun);
      refreshInventories(losses);
    }
    losses.forEach(Runnable::run);
    if (gone == null) {
      ended.run();
    } else {
      gone.view.close(ended);
    }
  }

  /** The same for callers that do not wait. */
  public void detach(int lun) {
    detach(lun, () -> {});
  }

  /**
   * Updates the inventories of all nexuses.
   *
   * @param losses collects what to do about units that a nexus no longer sees, without the lock
   */
  @GuardedBy("lock")
  private void refreshInventories(List<Runnable> losses) {
    for (TargetNexus nexus : nexuses) {
      LunInventory before = nexus.inventory();
      LunInventory after = inventoryOf(nexus.initiator().name());
      if (before.views().equals(after.views())) {
        continue;
      }
      Set<LogicalUnit> units = after.units();
      for (LogicalUnit unit : units) {
        unit.attentions().join(nexus);
        unit.attentions().add(nexus, SenseCode.REPORTED_LUNS_DATA_HAS_CHANGED);
      }
      nexus.inventory(after);
      for (LogicalUnit unit : before.units()) {
        if (!units.contains(unit)) {
          losses.add(() -> unit.nexusLost(nexus));
        }
      }
      for (UnitView view : before.views().values()) {
        if (units.contains(view.unit()) && !after.views().containsValue(view)) {
          losses.add(() -> view.unit().pathLost(nexus, view));
        }
      }
    }
  }

  @GuardedBy("lock")
  private LunInventory inventoryOf(String initiator) {
    SortedMap<Integer, UnitView> seen = new TreeMap<>();
    luns.forEach((lun, entry) -> {
      if (entry.visibleTo.test(initiator)) {
        seen.put(lun, entry.view);
      }
    });
    return new LunInventory(seen);
  }

  @Override
  public Nexus open(InitiatorPort initiator, int portalGroupTag) {
    TargetPort port =
        ports.stream()
            .filter(each -> each.portalGroupTag() == portalGroupTag)
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("no portal group " + portalGroupTag));
    TargetNexus nexus = new TargetNexus(initiator, port);
    synchronized (lock) {
      LunInventory inventory = inventoryOf(initiator.name());
      nexus.inventory(inventory);
      for (LogicalUnit unit : inventory.units()) {
        unit.attentions().join(nexus);
        unit.attentions().add(nexus, SenseCode.POWER_ON_OR_RESET);
      }
      nexuses.add(nexus);
    }
    return nexus;
  }

  @Override
  public void close(Nexus nexus) {
    Collection<LogicalUnit> units;
    synchronized (lock) {
      TargetNexus seeing = (TargetNexus) nexus;
      nexuses.remove(seeing);
      units = seeing.inventory().units();
      seeing.inventory(LunInventory.EMPTY);
    }
    units.forEach(unit -> unit.nexusLost(nexus));
    absent.tasks().abort(task -> task.isOf(nexus), nexus, TaskSet.Abort.SILENTLY);
  }

  @Override
  public void prepare(Task task) {
    UnitView view = LunInventory.of(task.nexus()).view(task.lun());
    if (view == null || !view.unit().prepare(task, view)) {
      absent.prepare(task);
    }
  }

  @Override
  public boolean pace(Task task) {
    return handler(task).pace();
  }

  @Override
  public void execute(Task task) {
    handler(task).execute();
  }

  @Override
  public void abandon(Task task) {
    handler(task).abandon();
  }

  private static Task.Handler handler(Task task) {
    return Objects.requireNonNull(task.handler(), "not prepared");
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
        UnitView view = LunInventory.of(nexus).view(lun);
        if (view == null) {
          done.accept(TaskManagementFunction.Response.INCORRECT_LOGICAL_UNIT);
        } else {
          TaskManagement.run(view, nexus, function, tag, done);
        }
      }
    }
  }

  /** Hard reset (SAM-5 6.3.2): resets every unit that the nexus sees. */
  private static void resetAll(Nexus nexus, Consumer<TaskManagementFunction.Response> done) {
    List<LogicalUnit> units = List.copyOf(LunInventory.of(nexus).units());
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
