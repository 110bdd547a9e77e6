// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.receive.VolumeImports;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.state.VolumeState.Phase;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.uses.Uses;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes away a volume that was made at run time. By its turn in {@code Changes}.
 *
 * <pre>
 *   without --delete-image   entry gone   volume closed
 *   with it                  state: REMOVING   volume closed   image deleted   entry gone
 * </pre>
 */
final class VolumeRemoval {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeRemoval.class);

  private final LiveConfiguration live;
  private final MadeVolumes made;
  private final Storage storage;
  private final StateFile state;
  private final EffectiveChange effective;
  private final VolumeImports imports;
  private final Uses uses;

  VolumeRemoval(
      LiveConfiguration live,
      MadeVolumes made,
      Storage storage,
      StateFile state,
      EffectiveChange effective,
      VolumeImports imports,
      Uses uses) {
    this.live = live;
    this.made = made;
    this.storage = storage;
    this.state = state;
    this.effective = effective;
    this.imports = imports;
    this.uses = uses;
  }

  /** Removes a volume. */
  RuntimeVolumes.Removed remove(String name, boolean deleteImage) throws RefusedException {
    VolumeState volume = state.state().volumes().get(name);
    if (volume == null) {
      throw made.notMade("removed", name);
    }
    if (live.file().volumes().containsKey(name) || live.file().devices().containsKey(name)) {
      if (deleteImage) {
        throw new RefusedException(
            "volume "
                + name
                + " is in the configuration now: without --delete-image, what was made at run time"
                + " is forgotten, and "
                + volume.path()
                + " stays");
      }
      effective.apply(state.state().withoutVolume(name));
      return new RuntimeVolumes.Removed(volume.path(), false);
    }
    refuseIfUsed(name);
    imports.refuseWhileReceiving(name);
    RuntimeState without = state.state().withoutVolume(name);
    effective.apply(deleteImage ? without.with(volume.in(Phase.REMOVING)) : without);
    if (storage.devices().has(name)) {
      storage.removeVolume(name);
    }
    storage.leftOut().remove(name);
    storage.forgetImage(name);
    imports.forget(name);
    uses.renamed(Set.of(name));
    if (deleteImage) {
      try {
        VolumeLeftovers.delete(volume.path(), state.steps());
      } catch (IOException e) {
        throw new RefusedException(
            VolumeCreation.reason(volume, e)
                + "; the volume is removed, and the next start deletes its image",
            e);
      }
      state.replace(without);
    }
    LOG.info(
        "volume {}: removed; {} {}", name, volume.path(), deleteImage ? "is deleted" : "stays");
    return new RuntimeVolumes.Removed(volume.path(), deleteImage);
  }

  private void refuseIfUsed(String name) throws RefusedException {
    List<String> reasons = new ArrayList<>();
    for (TargetConfig target : live.configured().targets().values()) {
      for (LunConfig lun : target.luns().values()) {
        if (lun.device().equals(name)) {
          reasons.add(
              "it is LUN "
                  + lun.number()
                  + " of target "
                  + target.name()
                  + ": anabranch lun remove "
                  + target.name()
                  + " "
                  + lun.number());
        }
      }
    }
    List<String> taken = made.snapshots(name);
    if (!taken.isEmpty()) {
      reasons.add("it has snapshots (" + String.join(", ", taken) + "): remove them first");
    }
    if (storage.devices().has(name)) {
      List<String> above = new ArrayList<>(storage.devices().above(name));
      above.removeAll(taken);
      if (!above.isEmpty()) {
        reasons.add("it is below " + String.join(", ", above) + ": remove that first");
      }
    }
    if (!reasons.isEmpty()) {
      throw new RefusedException("volume " + name + ": " + String.join("; ", reasons));
    }
  }
}
