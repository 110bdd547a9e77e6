// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.server.admin.Targets;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.exports.receive.NewVolumes;
import org.anabranch.server.exports.receive.VolumeImports;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.state.VolumeState.Phase;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.uses.Uses;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The life of volumes that are made at run time.
 *
 * <pre>
 *   create   state: MAKING   image made beside its place, and filled   state: MADE   image moved into
 *            its place   volume opened   state: READY   LUNs
 *   remove   state: entry gone, or REMOVING   volume closed   image deleted   entry gone
 *   rename   names known under both   devices renamed   state: the new name   LUNs
 * </pre>
 *
 * {@link VolumeState} says what a start does with what a crash left. A copy of a snapshot is made
 * on a thread of its own; one that a stop or a crash interrupts is gone afterwards. Any thread,
 * which may wait.
 */
public final class RuntimeVolumes implements NewVolumes, WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(RuntimeVolumes.class);

  private final LiveConfiguration live;
  private final Targets targets;
  private final StateFile state;
  private final Changes changes;
  private final VolumeImports imports;
  private final MadeVolumes made;
  private final VolumePlans plans;
  private final VolumeCreation creation;
  private final VolumeCopies copies;
  private final VolumeRemoval removal;
  private final VolumeRename rename;

  public RuntimeVolumes(
      LiveConfiguration live,
      Storage storage,
      Targets targets,
      Snapshots snapshots,
      Exports exports,
      VolumeImports imports,
      StateFile state,
      Changes changes,
      Uses uses,
      EffectiveChange effective) {
    this.live = live;
    this.targets = targets;
    this.state = state;
    this.changes = changes;
    this.imports = imports;
    this.made = new MadeVolumes(live, state);
    this.plans = new VolumePlans(live, storage, state);
    this.creation = new VolumeCreation(storage, targets, state, effective);
    this.copies = new VolumeCopies(exports, state, changes, creation);
    this.removal = new VolumeRemoval(live, made, storage, state, effective, imports, uses);
    this.rename =
        new VolumeRename(live, made, plans, storage, targets, snapshots, imports, state, uses);
  }

  /**
   * Makes a volume. An empty one is there when this returns; a copy is there when it has ended.
   *
   * @return the copy that has begun; null when the volume is there
   */
  public @Nullable VolumeCopy create(NewVolume wanted) throws RefusedException {
    wanted.check();
    imports.refuseIfLeft(wanted.name());
    return begin(wanted);
  }

  private @Nullable VolumeCopy begin(NewVolume wanted) throws RefusedException {
    wanted.check();
    changes.lock();
    try {
      undoWhatIsLeft(wanted.name());
      plans.refuseIfTaken(wanted.name());
      boolean isThere = wanted.bytes() == null && wanted.from() == null;
      SnapshotState from = wanted.from() == null ? null : snapshot(wanted, wanted.from());
      VolumeState planned = plans.planned(wanted, from, isThere);
      if (isThere) {
        creation.serve(planned.in(Phase.READY));
        return null;
      }
      state.replace(state.state().with(planned));
      copies.forgetFailure(wanted.name());
      if (from != null) {
        return copies.begin(planned, from);
      }
      try (FileChannel image = NewImage.open(planned, state.steps())) {
        NewImage.extend(image, Objects.requireNonNull(wanted.bytes()));
        creation.complete(planned, image);
      } catch (IOException e) {
        throw creation.undone(
            planned,
            new RefusedException(
                VolumeCreation.reason(planned, e) + "; its image cannot be made with that size",
                e));
      } catch (RefusedException e) {
        throw creation.undone(planned, e);
      }
      return null;
    } finally {
      changes.unlock();
    }
  }

  /**
   * Removes what is left of a volume whose creation failed, where the state file or the image could
   * not be changed then either: otherwise its name would be taken until the next start. By its turn
   * in {@code Changes}.
   */
  private void undoWhatIsLeft(String name) {
    VolumeState left = all().get(name);
    if (left != null
        && (left.phase() == Phase.MAKING || left.phase() == Phase.MADE)
        && copies.of(name) == null) {
      var _ = creation.undone(left, new RefusedException("volume " + name + ": it was not made"));
    }
  }

  private SnapshotState snapshot(NewVolume wanted, String device) throws RefusedException {
    SnapshotState snapshot = plans.snapshot(device);
    copies.refuseIfTooMany(wanted);
    return snapshot;
  }

  @Override
  public boolean hasVolume(String name) {
    return made.hasVolume(name);
  }

  @Override
  public void prepare(String name, long bytes, int blockSize) throws RefusedException {
    NewVolume wanted = NewVolume.ofStream(name, bytes, blockSize);
    wanted.check();
    changes.lock();
    try {
      undoWhatIsLeft(name);
      plans.refuseIfTaken(name);
      var _ = plans.planned(wanted, null, false);
      targets.forgetNames(name);
    } finally {
      changes.unlock();
    }
  }

  @Override
  public void make(String name, long bytes, int blockSize) throws RefusedException {
    var _ = begin(NewVolume.ofStream(name, bytes, blockSize));
  }

  /** The copies that are being made, by volume. */
  public List<VolumeCopy> copies() {
    return copies.all();
  }

  /** Where the image of a volume is, or will be, that was made at run time. */
  public Path image(String name) {
    return made.image(name);
  }

  /** Volumes that are being made, or were made, by name. */
  public Map<String, VolumeState> all() {
    return state.state().volumes();
  }

  /** Whether a volume that is served was made at run time. */
  public boolean isMade(String name) {
    return made.isMade(name);
  }

  /** Copies that have failed. */
  @Override
  public List<Warning> warnings() {
    return copies.warnings();
  }

  /**
   * What became of a volume's image.
   *
   * @param path of the image
   * @param deleted whether it is gone
   */
  public record Removed(Path path, boolean deleted) {}

  /**
   * Removes a volume that was made at run time. One that is being made is cancelled, and nothing of
   * it stays.
   *
   * @param deleteImage deletes its image too; without it, that stays
   */
  public Removed remove(String name, boolean deleteImage) throws RefusedException {
    VolumeCopy copy;
    Path path;
    changes.lock();
    try {
      copy = copies.of(name);
      if (copy == null) {
        if (!all().containsKey(name) && copies.forgetFailure(name)) {
          return new Removed(live.configured().imageDir(), true);
        }
        Path stream = hasVolume(name) ? null : imports.giveUp(name);
        if (stream != null) {
          return new Removed(stream, true);
        }
        return removal.remove(name, deleteImage);
      }
      copy.cancel();
      path = Objects.requireNonNull(state.state().volumes().get(name)).path();
    } finally {
      changes.unlock();
    }
    try {
      copy.await(progress -> {});
    } catch (RefusedException e) {
      LOG.debug("volume {}: {}", name, e.getMessage());
      return new Removed(path, true);
    } catch (ClientGoneException e) {
      throw new IllegalStateException(e); // nobody reports anything here
    }
    return remove(name, deleteImage); // it ended just before
  }

  /**
   * Gives a volume that was made at run time another name, with its snapshots, LUNs, and the
   * devices that {@code dm} made on it. Initiators notice nothing: the disk stays the same.
   */
  public void rename(String name, String newName) throws RefusedException {
    NewVolume.checkName(newName);
    imports.refuseIfLeft(newName);
    changes.lock();
    try {
      rename.rename(name, newName);
    } finally {
      changes.unlock();
    }
  }
}
