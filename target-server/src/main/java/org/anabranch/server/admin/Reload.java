// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.anabranch.block.Scheduler;
import org.anabranch.config.Configuration;
import org.anabranch.config.DeviceConfig;
import org.anabranch.config.Portal;
import org.anabranch.config.VolumeConfig;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.server.base.EffectiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.hooks.HookRules;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.storage.Rehearsal;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.TableText;
import org.anabranch.server.storage.VolumeImage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes a running server from one configuration to another. One at a time, by its turn among the
 * changes.
 *
 * <pre>
 *   1. refuse    what cannot be, all of it at once, before anything is touched; then what would take
 *                a LUN away from a session, unless that is forced
 *   2. prepare   bind portals, make and resize volumes, make and change devices, make LUNs;
 *                when a step fails, those before it are undone in reverse, and nothing has changed
 *   3. commit    put the LUNs in, end the sessions of what goes, take the rest down: none of this
 *                can be refused; a device that does not come down is logged, and goes at the stop
 * </pre>
 */
public final class Reload {
  private static final Logger LOG = LoggerFactory.getLogger(Reload.class);

  /** Of LUNs in use that a refusal lists. */
  private static final int MAX_LINES = 20;

  /** A step back. */
  private interface Undo {
    void run() throws RefusedException;
  }

  private final Storage storage;
  private final Targets targets;
  private final IscsiServer iscsi;
  private final RuntimeState state;
  private final Configuration before;
  private final Configuration after;
  private final EffectiveConfiguration withLeftOut;
  private final Set<String> leftOut;
  private final ReloadPlan plan;
  private final @Nullable LunUse use;
  private final Deque<Undo> undo = new ArrayDeque<>();

  /**
   * @param before what is configured now
   * @param effective what is to be configured, with what was made at run time
   * @param leftOut volumes and devices that are not served
   * @param use what sessions use now and must keep; null: they may lose it
   */
  public Reload(
      Storage storage,
      Targets targets,
      IscsiServer iscsi,
      RuntimeState state,
      Configuration before,
      EffectiveConfiguration effective,
      Set<String> leftOut,
      @Nullable LunUse use) {
    Configuration after = effective.whole();
    this.storage = storage;
    this.targets = targets;
    this.iscsi = iscsi;
    this.state = state;
    this.before = before.withoutDevices(leftOut);
    this.after = after.withoutDevices(leftOut);
    this.use = use;
    this.withLeftOut = effective;
    this.leftOut = leftOut;
    this.plan = ReloadPlan.of(this.before, this.after);
  }

  public ReloadPlan plan() {
    return plan;
  }

  /** Steps 1 and 2; nothing has changed when it refuses. {@link #commit} or {@link #undo} next. */
  public Targets.Change prepare(Scheduler scheduler) throws RefusedException {
    List<String> refusals = new ArrayList<>(plan.refusals());
    refuseWhatIsInUse(refusals);
    refusals.addAll(Rehearsal.of(after, storage.backends(), scheduler).refusals());
    HookRules.problems(after).forEach(problem -> refusals.add(problem.toString()));
    if (!refusals.isEmpty()) {
      throw new RefusedException(String.join("\n", refusals));
    }
    if (use != null) {
      refuseToTakeAway(use.lostWith(after, Set.copyOf(storage.mapper().ls())));
    }
    try {
      bindPortals();
      for (VolumeConfig volume : plan.newVolumes()) {
        open(volume);
      }
      for (VolumeConfig volume : plan.resizedVolumes()) {
        grow(volume);
      }
      for (DeviceConfig device : TableText.inOrder(after)) {
        make(device);
      }
      Targets.Change change = targets.prepare(withLeftOut);
      undo.push(change::cancel);
      return change;
    } catch (RefusedException e) {
      undo(e);
      throw e;
    }
  }

  private static void refuseToTakeAway(List<String> lost) throws RefusedException {
    if (lost.isEmpty()) {
      return;
    }
    List<String> lines = new ArrayList<>(lost.subList(0, Math.min(lost.size(), MAX_LINES)));
    if (lost.size() > MAX_LINES) {
      lines.add("and " + (lost.size() - MAX_LINES) + " more");
    }
    lines.add(
        "the new configuration would take that away: log out there first, or use anabranch reload"
            + " --force");
    throw new RefusedException(String.join("\n", lines));
  }

  private void refuseWhatIsInUse(List<String> refusals) {
    for (VolumeConfig volume : plan.oldVolumes()) {
      List<String> snapshots = snapshots(volume.name());
      if (!snapshots.isEmpty()) {
        refusals.add(
            "volume "
                + volume.name()
                + " has snapshots ("
                + String.join(", ", snapshots)
                + "): remove them or roll back to them first, or keep it in the file");
      }
      refuseIfBelow("volume", volume.name(), refusals);
      refuseIfLun(volume.name(), refusals);
    }
    for (DeviceConfig device : plan.oldDevices()) {
      refuseIfBelow("device", device.name(), refusals);
      refuseIfLun(device.name(), refusals);
    }
    for (VolumeConfig volume : plan.newVolumes()) {
      refuseIfMade(volume.name(), refusals);
    }
    plan.newDevices().forEach(device -> refuseIfMade(device.name(), refusals));
  }

  private List<String> snapshots(String volume) {
    return state.snapshots().values().stream()
        .filter(snapshot -> snapshot.volume().equals(volume))
        .map(snapshot -> snapshot.device())
        .toList();
  }

  private void refuseIfBelow(String what, String name, List<String> refusals) {
    for (String device : state.devices().keySet()) {
      if (storage.devices().standsOn(device, name)) {
        refusals.add(
            what
                + " "
                + name
                + " is below device "
                + device
                + ", which dm create made: remove that first");
      }
    }
  }

  /** A LUN of the file would go with it; one that was added at run time has to be removed first. */
  private void refuseIfLun(String name, List<String> refusals) {
    state.luns().stream()
        .filter(lun -> lun.device().equals(name))
        .filter(lun -> withLeftOut.made().hasLun(withLeftOut.file(), lun.target(), lun.number()))
        .forEach(lun ->
            refusals.add(
                name
                    + " is LUN "
                    + lun.number()
                    + " of target "
                    + lun.target()
                    + ", added at run time: anabranch lun remove "
                    + lun.target()
                    + " "
                    + lun.number()
                    + " first"));
  }

  private void refuseIfMade(String name, List<String> refusals) {
    if (state.devices().containsKey(name)) {
      refusals.add(
          name + " is a device that dm create made: remove or rename that, or choose another name");
    }
  }

  private void bindPortals() throws RefusedException {
    // A wildcard and an address of its own cannot both have a port: one goes before the other.
    for (Portal old : plan.oldPortals()) {
      if (old.port() != 0
          && plan.newPortals().stream().anyMatch(portal -> portal.port() == old.port())) {
        iscsi.removePortal(Translation.portal(old));
        undo.push(() -> bind(old));
      }
    }
    for (Portal portal : plan.newPortals()) {
      bind(portal);
      undo.push(() -> iscsi.removePortal(Translation.portal(portal)));
    }
  }

  private void bind(Portal portal) throws RefusedException {
    try {
      iscsi.addPortal(Translation.portal(portal));
    } catch (IOException e) {
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    }
  }

  private void open(VolumeConfig volume) throws RefusedException {
    VolumeImage image = storage.image(volume);
    if (!image.exists()) {
      undo.push(() -> delete(image, volume));
    }
    storage.openVolume(volume);
    undo.push(() -> storage.removeVolume(volume.name()));
  }

  private static void delete(VolumeImage image, VolumeConfig volume) throws RefusedException {
    try {
      image.delete();
    } catch (IOException e) {
      throw new RefusedException(volume.source().address() + ": " + StateDirectory.reason(e), e);
    }
  }

  private void grow(VolumeConfig volume) throws RefusedException {
    long sectors = storage.devices().sectors(volume.name());
    if (volume.sectors() > sectors) {
      VolumeSize.refuseWhileMerging(volume.name(), state);
      storage.resize(volume, volume.sectors());
      undo.push(() -> storage.resize(volume, sectors));
    }
  }

  private void make(DeviceConfig device) throws RefusedException {
    if (plan.newDevices().contains(device)) {
      storage.openDevice(device, after.baseDir());
      undo.push(() -> storage.devices().remove(device.name()));
    } else if (plan.changedDevices().contains(device)) {
      DeviceConfig old = Objects.requireNonNull(before.devices().get(device.name()));
      storage.reloadDevice(device, after.baseDir());
      undo.push(() -> storage.reloadDevice(old, before.baseDir()));
    }
  }

  private void undo(RefusedException reason) {
    for (Undo step : undo) {
      try {
        step.run();
      } catch (RefusedException e) {
        reason.addSuppressed(e);
        LOG.error("reload: not undone: {}", e.getMessage());
      }
    }
  }

  /** Step 3. */
  public void commit(Targets.Change change) {
    var ended = change.commit(iscsi, leftOut);
    plan.oldPortals().forEach(portal -> iscsi.removePortal(Translation.portal(portal)));
    iscsi.discovery(Translation.discovery(after));
    if (plan.limits()) {
      iscsi.limits(Translation.limits(after));
    }
    plan.resizedVolumes().forEach(volume -> targets.capacityChanged(volume.name()));
    for (DeviceConfig device : plan.changedDevices()) {
      targets.capacityChanged(device.name());
      targets.contentsChanged(device.name());
    }
    down(() -> Stages.await("commands of what was removed", ended));
    List<DeviceConfig> order = new ArrayList<>();
    down(() -> order.addAll(TableText.inOrder(before)));
    for (DeviceConfig device : order.reversed()) {
      if (plan.oldDevices().contains(device)) {
        down(() -> storage.devices().remove(device.name()));
      }
    }
    plan.oldVolumes().forEach(volume -> down(() -> storage.removeVolume(volume.name())));
  }

  private static void down(Undo step) {
    try {
      step.run();
    } catch (RefusedException e) {
      LOG.error("reload: {}; it goes when the server stops", e.getMessage());
    }
  }
}
