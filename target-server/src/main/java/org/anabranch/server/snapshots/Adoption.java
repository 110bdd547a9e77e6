// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.device.Initiators;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.snapshots.device.Stores;
import org.anabranch.server.snapshots.merge.Merges;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.stores.LinuxStore;
import org.anabranch.server.stores.StoreFile;
import org.anabranch.server.terminal.Sizes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a snapshot that Linux or LVM2 made is taken over with its COW store, which is only read.
 *
 * <pre>
 *   state: CREATING          store copied: as long as it can need, durable
 *   state: READY             the snapshot's device is active: as after a start
 *       or MERGING           and the volume takes the store over from it
 * </pre>
 *
 * A crash before the second write deletes the copy, and the snapshot was never there. After it, a
 * start activates the snapshot before anything writes to the volume, or goes on with its merge. The
 * copy is made while other changes go on. Any thread.
 */
public final class Adoption {
  private static final Logger LOG = LoggerFactory.getLogger(Adoption.class);

  /** Stands for the chunk size while the store has not been read. */
  private static final int ANY_CHUNK_SECTORS = 8;

  /**
   * What is taken over.
   *
   * @param volume must hold what the origin held when the store was last in use
   * @param name unique in its volume
   * @param store a file or block device
   * @param readOnly initiators cannot write to the snapshot
   * @param merge begin its merge at once
   */
  public record Request(
      String volume, String name, Path store, boolean readOnly, boolean merge, String description) {
    private Wanted wanted(int chunkSectors) {
      return new Wanted(volume, name, chunkSectors, 0, readOnly, description);
    }
  }

  private final SnapshotRegistry registry;
  private final Changes changes;
  private final SnapshotDevices devices;
  private final Stores stores;
  private final SnapshotPlans plans;
  private final Merges merges;
  private final Initiators initiators;
  private final Path folder;

  /**
   * @param folder the state directory
   */
  Adoption(
      SnapshotRegistry registry,
      Changes changes,
      SnapshotDevices devices,
      Stores stores,
      SnapshotPlans plans,
      Merges merges,
      Initiators initiators,
      Path folder) {
    this.registry = registry;
    this.changes = changes;
    this.devices = devices;
    this.stores = stores;
    this.plans = plans;
    this.merges = merges;
    this.initiators = initiators;
    this.folder = folder;
  }

  /**
   * Takes a snapshot over.
   *
   * @return the snapshot; with {@link Request#merge}, while its merge runs
   */
  SnapshotState adopt(Request request) throws RefusedException {
    try (LinuxStore source = LinuxStore.open(request.store(), folder, sectors(request))) {
      SnapshotState planned = announce(request, source);
      SnapshotState adopted;
      try {
        copy(planned, source);
        adopted = activate(request, planned);
      } catch (RefusedException | RuntimeException e) {
        undo(planned, e);
        throw e;
      }
      LOG.info(
          "snapshot {}: taken over from {} with {} exceptions",
          adopted.device(),
          request.store(),
          source.exceptions());
      return adopted;
    }
  }

  /** What is refused anyway is refused before a large store is read. */
  private long sectors(Request request) throws RefusedException {
    changes.lock();
    try {
      return planned(request, ANY_CHUNK_SECTORS).sectors();
    } finally {
      changes.unlock();
    }
  }

  private SnapshotState planned(Request request, int chunkSectors) throws RefusedException {
    SnapshotState planned = plans.planned(request.wanted(chunkSectors));
    if (planned.isShared()) {
      throw new RefusedException(
          "volume "
              + request.volume()
              + " has its stores in the cluster (stores.pool), where none can be taken over from a"
              + " file; take stores.pool out of the configuration while you do this");
    }
    refuseInUse(request);
    return planned;
  }

  private void refuseInUse(Request request) throws RefusedException {
    String volume = request.volume();
    if (request.merge() && devices.volume(volume).readOnly()) {
      throw new RefusedException(
          "volume " + volume + " is read-only and cannot be rolled back; adopt without --merge");
    }
    if (initiators.sessions(volume) > 0) {
      throw new RefusedException(
          "volume "
              + volume
              + " is a LUN of a target that has sessions, and what they write now is lost to the"
              + " snapshot; log out there first");
    }
  }

  private SnapshotState announce(Request request, LinuxStore source) throws RefusedException {
    changes.lock();
    try {
      SnapshotState planned = planned(request, source.chunkSectors());
      registry.put(planned);
      return planned;
    } finally {
      changes.unlock();
    }
  }

  private void copy(SnapshotState planned, LinuxStore source) throws RefusedException {
    long used = source.usedBytes();
    try {
      long free = Files.getFileStore(folder).getUsableSpace();
      if (free < used) {
        throw new RefusedException(
            "snapshot "
                + planned.device()
                + " cannot be taken over: its store has "
                + Sizes.bytes((double) used)
                + " in use, and "
                + folder
                + " has "
                + Sizes.bytes((double) free)
                + " left");
      }
    } catch (IOException e) {
      throw new RefusedException("free space is unknown: " + StateDirectory.reason(e), e);
    }
    long sufficient = StoreFile.sufficient(planned.sectors(), planned.chunkSectors());
    StoreFile.make(
        Path.of(planned.store()),
        Math.max(used, sufficient),
        used,
        source::copyTo,
        registry.steps());
  }

  private SnapshotState activate(Request request, SnapshotState planned) throws RefusedException {
    changes.lock();
    try {
      if (!planned.equals(registry.state().snapshot(planned.device()))) {
        throw new RefusedException(
            "snapshot " + planned.device() + " was removed or renamed while its store was copied");
      }
      plans.refuseUnlessFree(request.volume());
      refuseInUse(request);
      stores.opening(planned);
      devices.prepare(planned);
      SnapshotState adopted = planned.in(request.merge() ? Phase.MERGING : Phase.READY);
      registry.put(adopted);
      devices.take(List.of(adopted));
      registry.steps().taken("snapshot adopted");
      if (request.merge()) {
        merges.beginAdopted(adopted);
      } else {
        devices.attach(adopted.device());
      }
      return adopted;
    } finally {
      changes.unlock();
    }
  }

  /** No device, no store, no entry, whatever name it has now. */
  private void undo(SnapshotState planned, Exception reason) {
    try {
      changes.lock();
      try {
        for (SnapshotState each : registry.all()) {
          if (each.store().equals(planned.store())) {
            registry.forget(each);
            return;
          }
        }
        registry.deleteStore(planned.volume(), planned.store());
      } finally {
        changes.unlock();
      }
    } catch (RefusedException e) {
      reason.addSuppressed(e); // the next start ends it
      LOG.error("snapshot {}: {}", planned.device(), e.getMessage());
    }
  }
}
