// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeState;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * New volumes that are being filled with the contents of snapshots. One that a stop or a crash
 * interrupts is gone afterwards. Any thread.
 */
final class VolumeCopies implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeCopies.class);

  /** Copies at the same time: more would only share the disk. */
  private static final int MAX_COPIES = 8;

  /** Failures that {@code status} remembers. */
  private static final int MAX_FAILURES = 16;

  private final Map<String, VolumeCopy> copies = new ConcurrentSkipListMap<>();

  /** Why a copy failed, by volume, until there is a volume of that name. Guarded by itself. */
  private final Map<String, String> failures = new TreeMap<>();

  private final Exports exports;
  private final StateFile state;
  private final Changes changes;
  private final VolumeCreation creation;

  VolumeCopies(Exports exports, StateFile state, Changes changes, VolumeCreation creation) {
    this.exports = exports;
    this.state = state;
    this.changes = changes;
    this.creation = creation;
  }

  /** Refuses another copy while there are too many. */
  void refuseIfTooMany(NewVolume wanted) throws RefusedException {
    if (copies.size() >= MAX_COPIES) {
      throw wanted.refused(
          MAX_COPIES + " volumes are being made as copies; wait until one of them has ended");
    }
  }

  /** Begins a copy, on a thread of its own. By its turn in {@code Changes}. */
  VolumeCopy begin(VolumeState volume, SnapshotState from) {
    VolumeCopy copy = new VolumeCopy(volume.name(), from.device(), from.sectors() * 512);
    copies.put(volume.name(), copy);
    LOG.info("volume {}: being made as a copy of {}", volume.name(), from.device());
    Thread.ofPlatform().daemon().name("copy " + volume.name()).start(() -> run(volume, copy));
    return copy;
  }

  private void run(VolumeState volume, VolumeCopy copy) {
    RefusedException failure = null;
    try (FileChannel image = NewImage.open(volume, state.steps())) {
      exports.copy(copy.from(), volume.part(), image, reached -> copy.at(reached.done()));
      changes.lock();
      try {
        copy.at(copy.state().total());
        creation.complete(volume, image);
      } finally {
        changes.unlock();
      }
    } catch (IOException e) {
      failure = new RefusedException(VolumeCreation.reason(volume, e), e);
    } catch (RefusedException e) {
      failure = e;
    } catch (ClientGoneException e) {
      failure =
          new RefusedException(
              "volume " + volume.name() + ": it was cancelled; nothing of it is left", e);
    } catch (RuntimeException e) {
      LOG.error("volume {}: the copy failed", volume.name(), e);
      failure = new RefusedException("volume " + volume.name() + ": " + e, e);
    }
    if (failure != null) {
      failed(volume, copy, failure);
    }
    copies.remove(volume.name(), copy);
    copy.ended(failure);
  }

  private void failed(VolumeState volume, VolumeCopy copy, RefusedException failure) {
    if (!changes.lockUnlessOver()) {
      return; // the next start ends it
    }
    try {
      var _ = creation.undone(volume, failure);
    } finally {
      changes.unlock();
    }
    if (copy.isCancelled()) {
      LOG.info("volume {}: its making was cancelled", volume.name());
      return;
    }
    LOG.error("{}; nothing of the volume is left", failure.getMessage());
    synchronized (failures) {
      if (failures.size() < MAX_FAILURES) {
        failures.put(volume.name(), String.valueOf(failure.getMessage()));
      }
    }
  }

  /** The copies that are being made, by volume. */
  List<VolumeCopy> all() {
    return List.copyOf(copies.values());
  }

  /** The copy that fills a volume; null without one. */
  @Nullable VolumeCopy of(String volume) {
    return copies.get(volume);
  }

  /** Forgets why a copy failed; whether one had. */
  boolean forgetFailure(String volume) {
    synchronized (failures) {
      return failures.remove(volume) != null;
    }
  }

  /** Copies that have failed. */
  @Override
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>();
    synchronized (failures) {
      failures.forEach((name, reason) ->
          warnings.add(
              new Warning(
                  "volume " + name,
                  "it could not be made, and nothing of it is left: "
                      + reason.replaceFirst("^volume " + name + ": ", ""),
                  "put that right and create it again; anabranch volume remove "
                      + name
                      + " ends this warning")));
    }
    return warnings;
  }
}
