// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.device;

import java.io.IOException;
import java.util.List;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.shared.SharedImage;
import org.anabranch.server.stores.StorePlaces;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The snapshots that the state file knows, each with its store and its device. Any thread may look;
 * what changes them has its turn in {@link org.anabranch.server.state.Changes}.
 */
public final class SnapshotRegistry {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotRegistry.class);

  private final Storage storage;
  private final StateFile state;
  private final StorePlaces places;

  /**
   * @param places where stores are
   */
  public SnapshotRegistry(Storage storage, StateFile state, StorePlaces places) {
    this.storage = storage;
    this.state = state;
    this.places = places;
  }

  /** Where stores are. */
  public StorePlaces places() {
    return places;
  }

  public RuntimeState state() {
    return state.state();
  }

  /** All that there are, by name. */
  public List<SnapshotState> all() {
    return List.copyOf(state.state().snapshots().values());
  }

  /** Those of a volume. */
  public List<SnapshotState> of(String volume) {
    return all().stream().filter(snapshot -> snapshot.volume().equals(volume)).toList();
  }

  public SnapshotState existing(String device) throws RefusedException {
    SnapshotState snapshot = state.state().snapshot(device);
    if (snapshot == null) {
      throw RefusedException.absent("snapshot", device, state.state().snapshots().keySet());
    }
    return snapshot;
  }

  /** Remembers a snapshot as it is now, durably. */
  public void put(SnapshotState snapshot) throws RefusedException {
    keep(snapshot);
    state.replace(state.state().with(snapshot));
  }

  /** The same for several, all or none. */
  public void put(List<SnapshotState> snapshots) throws RefusedException {
    RuntimeState next = state.state();
    for (SnapshotState snapshot : snapshots) {
      keep(snapshot);
      next = next.with(snapshot);
    }
    state.replace(next);
  }

  /** Remembers a snapshot under another name, durably. */
  public void rename(SnapshotState old, SnapshotState renamed) throws RefusedException {
    state.replace(state.state().renamed(old, renamed));
  }

  /** Last steps of a life: no device, no store, no entry. */
  public void forget(SnapshotState snapshot) throws RefusedException {
    if (storage.devices().has(snapshot.device())) {
      storage.devices().remove(snapshot.device());
    }
    for (String store : snapshot.stores()) {
      deleteStore(snapshot.volume(), store);
    }
    state.replace(state.state().withoutSnapshot(snapshot.device()));
    if (!snapshot.isShared() && own(snapshot.volume()).isEmpty()) {
      release(snapshot.volume());
    }
  }

  /**
   * This server has got a volume: knows its shared snapshots from now on. By its turn.
   *
   * @return whether another server had the volume meanwhile
   */
  public boolean learn(VolumeConfig volume) throws RefusedException {
    SharedImage image = storage.sharedImage(volume.name());
    if (image == null || !image.isHere()) {
      state.forgetShared(volume.name());
      return false;
    }
    state.learn(volume.name(), volume.source().address());
    try {
      return image.claim();
    } catch (IOException e) {
      throw new RefusedException("volume " + volume.name() + ": " + e.getMessage(), e);
    }
  }

  /** Refuses a volume that another server has when its shared snapshots cannot be read. */
  public void refuseUnreadable(VolumeConfig volume) throws RefusedException {
    state.refuseUnreadable(volume.name(), volume.source().address());
  }

  /** Another server has a volume. By its turn. */
  public void forgetShared(String volume) {
    state.forgetShared(volume);
  }

  /** Those of a volume whose stores are files of this machine. */
  private List<SnapshotState> own(String volume) {
    return of(volume).stream().filter(snapshot -> !snapshot.isShared()).toList();
  }

  /**
   * Before the first snapshot of a volume with its store on this machine: no other server may serve
   * the volume from now on.
   */
  private void keep(SnapshotState snapshot) throws RefusedException {
    if (!snapshot.isShared() && own(snapshot.volume()).isEmpty()) {
      storage.keepHere(snapshot.volume(), true);
    }
  }

  private void release(String volume) {
    try {
      storage.keepHere(volume, false);
    } catch (RefusedException e) {
      LOG.warn("{}; no other server will serve it before the next start", e.getMessage());
    }
  }

  /** Deletes a store that nothing has open, durably. */
  public void deleteStore(String volume, String store) throws RefusedException {
    storage.stores().forget(store);
    places.delete(volume, store, state.steps());
  }

  /** Who hears of what becomes durable. */
  public DurableSteps steps() {
    return state.steps();
  }
}
