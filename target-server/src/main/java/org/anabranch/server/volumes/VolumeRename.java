// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;
import org.anabranch.block.dm.TableException;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.schedule.ScheduleConfig;
import org.anabranch.server.admin.ConfiguredLuns;
import org.anabranch.server.admin.Targets;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.receive.VolumeImports;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.state.VolumeState.Phase;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.uses.Uses;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One change of a volume's name. The state file decides: a crash before it is written leaves the
 * old name, a crash after it the new one. What is recorded elsewhere by name (the disk's identity,
 * who uses it, what its image was) is recorded under both names before, and under the new one alone
 * afterwards. By its turn in {@code Changes}.
 */
final class VolumeRename {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeRename.class);

  private final LiveConfiguration live;
  private final MadeVolumes made;
  private final VolumePlans plans;
  private final Storage storage;
  private final Targets targets;
  private final Snapshots snapshots;
  private final VolumeImports imports;
  private final StateFile state;
  private final Uses uses;

  VolumeRename(
      LiveConfiguration live,
      MadeVolumes made,
      VolumePlans plans,
      Storage storage,
      Targets targets,
      Snapshots snapshots,
      VolumeImports imports,
      StateFile state,
      Uses uses) {
    this.live = live;
    this.made = made;
    this.plans = plans;
    this.storage = storage;
    this.targets = targets;
    this.snapshots = snapshots;
    this.imports = imports;
    this.state = state;
    this.uses = uses;
  }

  /** Renames a volume that was made at run time, with its snapshots and LUNs. */
  void rename(String name, String newName) throws RefusedException {
    VolumeState volume = state.state().volumes().get(name);
    if (volume == null || !made.isMade(name)) {
      throw volume != null && volume.phase() != Phase.READY
          ? new RefusedException("volume " + name + " is still being made")
          : made.notMade("renamed", name);
    }
    storage.refuseIfLeftOut(name);
    imports.refuseWhileReceiving(name);
    plans.refuseIfTaken(newName);
    Map<String, String> names = new TreeMap<>(Map.of(name, newName));
    for (SnapshotState snapshot : state.state().snapshots().values()) {
      if (snapshot.volume().equals(name)) {
        refuseUnlessStill(snapshot);
        names.put(snapshot.device(), newName + "@" + snapshot.name());
      }
    }
    refuseConfigured(name);
    run(volume, newName, names);
    LOG.info("volume {}: renamed to {}", name, newName);
  }

  private void refuseUnlessStill(SnapshotState snapshot) throws RefusedException {
    if (snapshot.phase() != SnapshotState.Phase.READY || snapshots.isRead(snapshot.device())) {
      throw new RefusedException(
          "snapshot "
              + snapshot.device()
              + " is being rolled back to, exported or copied, or waits for a rollback; wait for that,"
              + " or cancel it (snapshot merge --cancel)");
    }
  }

  /** A device, LUN or schedule of the file that names it would lose it. */
  private void refuseConfigured(String name) throws RefusedException {
    for (TargetConfig target : live.file().targets().values()) {
      for (LunConfig lun : target.luns().values()) {
        if (lun.device().equals(name) || lun.device().startsWith(name + "@")) {
          throw new RefusedException(
              "volume "
                  + name
                  + ": the configuration has "
                  + lun.device()
                  + " as LUN "
                  + lun.number()
                  + " of target "
                  + target.name()
                  + "; take it out there, and reload");
        }
      }
    }
    for (ScheduleConfig schedule : live.file().schedules().values()) {
      if (schedule.volumes().contains(name)) {
        throw new RefusedException(
            "volume "
                + name
                + ": schedule "
                + schedule.name()
                + " of the configuration takes snapshots of it; write the new name there, and reload");
      }
    }
    for (String above : storage.devices().above(name)) {
      if (live.file().devices().containsKey(above)) {
        throw new RefusedException(
            "volume " + name + ": device " + above + " of the configuration stands on it");
      }
    }
  }

  /**
   * Does it.
   *
   * @param names of the volume and its snapshots, the new ones by the old ones
   */
  private void run(VolumeState volume, String newName, Map<String, String> names)
      throws RefusedException {
    String name = volume.name();
    targets.renaming(names);
    uses.renaming(names);
    storage.alsoRemember(name, newName);
    Deque<String> renamed = new ArrayDeque<>();
    try {
      for (Map.Entry<String, String> each : names.entrySet()) {
        storage.devices().rename(each.getKey(), each.getValue());
        renamed.push(each.getKey());
      }
      state.replace(next(volume, newName));
    } catch (RefusedException e) {
      for (String device : renamed) {
        back(String.valueOf(names.get(device)), device, e);
      }
      throw e;
    }
    storage.renamed(name, volume.named(newName).config());
    live.made(state.state().made());
    targets.renamed(names);
    uses.sees(new ConfiguredLuns(live.configured(), storage));
    uses.renamed(names.keySet());
    storage.forgetImage(name);
  }

  private void back(String newName, String name, RefusedException reason) {
    try {
      storage.devices().rename(newName, name);
    } catch (RefusedException e) {
      reason.addSuppressed(e);
      LOG.error("{}: has its new name until the server stops: {}", newName, e.getMessage());
    }
  }

  /** With the new name in the tables of devices above, too. */
  private RuntimeState next(VolumeState volume, String newName) throws RefusedException {
    RuntimeState next = state.state().renamed(volume, newName);
    for (String device : state.state().devices().keySet()) {
      if (storage.leftOut().get(device) != null) {
        continue;
      }
      try {
        next = next.withDevice(device, storage.mapper().table(device));
      } catch (TableException e) {
        throw new RefusedException(device + ": " + e.getMessage(), e);
      }
    }
    return next;
  }
}
