// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.anabranch.config.Configuration;
import org.anabranch.config.DeviceConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.receive.VolumeImports;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.snapshots.device.Initiators;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.storage.LeftOut;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.TableText;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings into service what was left out at the start, once it has been put right: volumes with
 * their snapshots and merges, the devices on them, and the LUNs of all of these. Initiators are
 * told of the LUNs; no session is dropped. Any thread, which may wait.
 */
public final class Recovery {
  private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);

  private final Storage storage;
  private final Snapshots snapshots;
  private final VolumeImports imports;
  private final RuntimeDevices runtimeDevices;
  private final LiveConfiguration live;
  private final Changes changes;
  private final Initiators initiators;

  /**
   * @param live changed by its turn in {@code changes}
   */
  public Recovery(
      Storage storage,
      Snapshots snapshots,
      VolumeImports imports,
      RuntimeDevices runtimeDevices,
      LiveConfiguration live,
      Changes changes,
      Initiators initiators) {
    this.storage = storage;
    this.snapshots = snapshots;
    this.imports = imports;
    this.runtimeDevices = runtimeDevices;
    this.live = live;
    this.changes = changes;
    this.initiators = initiators;
  }

  /**
   * Tries everything again that is left out.
   *
   * @return a line for each thing that is served again
   */
  public List<String> retry() throws RefusedException {
    changes.lock();
    try {
      Configuration configuration = live.configured();
      List<LeftOut.Entry> before = storage.leftOut().all();
      forgetUnconfigured(configuration);
      for (VolumeConfig volume : configuration.volumes().values()) {
        if (storage.leftOut().get(volume.name()) != null) {
          open(volume);
        }
      }
      for (DeviceConfig device : TableText.inOrder(configuration)) {
        if (storage.leftOut().get(device.name()) != null) {
          storage.openDeviceIfWhole(device, configuration.baseDir());
        }
      }
      runtimeDevices.restore();
      List<String> lines = storage.troubles().putFilesRight();
      for (LeftOut.Entry entry : before) {
        if (entry.kind() == LeftOut.Kind.VOLUME) {
          imports.complete(entry.name()); // which leaves it out when that cannot be
        }
        if (storage.devices().has(entry.name())) {
          serve(entry);
          lines.add(entry.subject() + " is served again");
        }
      }
      lines.forEach(LOG::info);
      return lines;
    } finally {
      changes.unlock();
    }
  }

  /**
   * Tries everything again, and refuses when the one named stays out.
   *
   * @return a line for each thing that is served again
   */
  public List<String> retry(String name) throws RefusedException {
    if (storage.leftOut().get(name) == null && !storage.troubles().isHarmed(name)) {
      throw new RefusedException(
          storage.devices().has(name)
              ? name + " is served already"
              : "there is no volume or device "
                  + name
                  + " that is left out"
                  + (storage.leftOut().all().isEmpty()
                      ? "; nothing is"
                      : "; status shows what is"));
    }
    List<String> lines = retry();
    LeftOut.Entry still = storage.leftOut().get(name);
    if (still != null) {
      throw still.refusal();
    }
    return lines;
  }

  /** The volumes of streams that were received and are not applied yet. */
  Set<String> received() throws RefusedException {
    return imports.unfinished();
  }

  /**
   * Takes the file that is at a volume's path for the volume's file, whatever was there before, and
   * serves it.
   *
   * @return a line for each thing that is served again
   */
  public List<String> adopt(String name) throws RefusedException {
    changes.lock();
    try {
      VolumeConfig volume = live.configured().volumes().get(name);
      if (volume == null) {
        throw RefusedException.absent("volume", name, live.configured().volumes().keySet());
      }
      if (storage.leftOut().get(name) == null) {
        throw new RefusedException(
            "volume " + name + " is served already, from " + volume.source().address());
      }
      storage.adoptImage(volume);
      var _ = imports.giveUp(name);
      LOG.warn("volume {}: {} is taken for its image from now on", name, volume.source().address());
      return retry(name);
    } finally {
      changes.unlock();
    }
  }

  /** What is not configured any more is not missed either. */
  private void forgetUnconfigured(Configuration configuration) {
    for (LeftOut.Entry entry : storage.leftOut().all()) {
      boolean wanted =
          switch (entry.kind()) {
            case VOLUME -> configuration.volumes().containsKey(entry.name());
            case DEVICE -> configuration.devices().containsKey(entry.name());
            case MADE_DEVICE -> true;
          };
      if (!wanted) {
        storage.leftOut().remove(entry.name());
      }
    }
  }

  private void open(VolumeConfig volume) throws RefusedException {
    if (storage.openIfWhole(volume)) {
      live.serve(volume);
      var _ = snapshots.restore(volume); // which withdraws it when it cannot be served
    }
  }

  private void serve(LeftOut.Entry entry) throws RefusedException {
    initiators.appeared(entry.name());
    if (entry.kind() == LeftOut.Kind.VOLUME) {
      for (SnapshotState snapshot : snapshots.list(entry.name())) {
        if (storage.devices().has(snapshot.device())) {
          initiators.appeared(snapshot.device());
        }
      }
      snapshots.resumeMerges(Objects.requireNonNull(live.served(entry.name())));
    }
  }
}
