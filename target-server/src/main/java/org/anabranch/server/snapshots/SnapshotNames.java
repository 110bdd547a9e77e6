// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.anabranch.naming.PrintableText;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.Initiators;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.uses.Uses;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Other names for snapshots. The state file decides: a crash before it is written leaves the old
 * name, a crash after it the new one. The store keeps its file, so nothing that is known by that
 * file changes. One change at a time.
 */
final class SnapshotNames {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotNames.class);

  private final LiveConfiguration live;
  private final SnapshotRegistry registry;
  private final Storage storage;
  private final SnapshotDevices devices;
  private final Readers readers;
  private final Initiators initiators;
  private final Uses uses;

  SnapshotNames(
      LiveConfiguration live,
      SnapshotRegistry registry,
      Storage storage,
      SnapshotDevices devices,
      Readers readers,
      Initiators initiators,
      Uses uses) {
    this.live = live;
    this.registry = registry;
    this.storage = storage;
    this.devices = devices;
    this.readers = readers;
    this.initiators = initiators;
    this.uses = uses;
  }

  /** Refuses a description that is not one line of printable text. */
  static void checkDescription(String text) throws RefusedException {
    if (text.length() > SnapshotState.MAX_DESCRIPTION || !PrintableText.of(text).equals(text)) {
      throw new RefusedException(
          "a description is one line of at most "
              + SnapshotState.MAX_DESCRIPTION
              + " printable characters");
    }
  }

  SnapshotState rename(String device, String newName, boolean force) throws RefusedException {
    SnapshotState old = registry.existing(device);
    SnapshotDevices.checkName(newName);
    SnapshotState renamed = old.named(old.volume(), newName).withoutSchedule();
    String newDevice = renamed.device();
    if (registry.state().snapshot(newDevice) != null) {
      throw new RefusedException("snapshot " + newDevice + " exists; name another");
    }
    refuseUnlessStill(old);
    int sessions = initiators.sessions(device);
    if (isConfigured(device) && sessions > 0 && !force) {
      throw new RefusedException(
          "snapshot "
              + device
              + " is a LUN of a target that has "
              + sessions
              + (sessions == 1 ? " session" : " sessions")
              + ", which would lose it: log out there, or use --force");
    }
    Map<String, String> names = Map.of(device, newDevice);
    initiators.renaming(names);
    uses.renaming(names);
    storage.devices().rename(device, newDevice);
    try {
      registry.rename(old, renamed);
    } catch (RefusedException e) {
      storage.devices().rename(newDevice, device);
      throw e;
    }
    live.made(registry.state().made());
    initiators.renamed(names);
    uses.renamed(Set.of(device));
    LOG.info("snapshot {}: renamed to {}", device, newDevice);
    return renamed;
  }

  /** Whether the file names it as a LUN. Those that were added at run time follow it. */
  private boolean isConfigured(String device) {
    return live.file().targets().values().stream()
        .flatMap(target -> target.luns().values().stream())
        .anyMatch(lun -> lun.device().equals(device));
  }

  /** Its name is in use where a merge or an export is under way. */
  private void refuseUnlessStill(SnapshotState snapshot) throws RefusedException {
    String device = snapshot.device();
    storage.refuseIfLeftOut(snapshot.volume());
    devices.volume(snapshot.volume());
    if (snapshot.phase() != Phase.READY) {
      throw new RefusedException(
          "snapshot "
              + device
              + " waits for a rollback: let it end, or cancel it with snapshot merge --cancel");
    }
    if (readers.read(device)) {
      throw new RefusedException(
          "snapshot " + device + " is being read or exported; wait for that, or interrupt it");
    }
    List<String> above = storage.devices().above(device);
    if (!above.isEmpty()) {
      throw new RefusedException(
          "snapshot " + device + " is part of " + String.join(", ", above) + ": remove that first");
    }
    devices.refuseForeignTable(snapshot);
  }
}
