// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import org.anabranch.block.dm.TableException;
import org.anabranch.server.admin.ConfiguredLuns;
import org.anabranch.server.admin.Targets;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeState;
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
  private final Storage storage;
  private final Targets targets;
  private final StateFile state;
  private final Uses uses;

  VolumeRename(
      LiveConfiguration live, Storage storage, Targets targets, StateFile state, Uses uses) {
    this.live = live;
    this.storage = storage;
    this.targets = targets;
    this.state = state;
    this.uses = uses;
  }

  /**
   * Renames.
   *
   * @param names of the volume and its snapshots, the new ones by the old ones
   */
  void run(VolumeState volume, String newName, Map<String, String> names) throws RefusedException {
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
