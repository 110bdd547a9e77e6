// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;
import org.anabranch.config.Configuration;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.admin.Targets;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.exports.NewVolumes;
import org.anabranch.server.exports.VolumeImports;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateDirectory;
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

  /** Copies at the same time: more would only share the disk. */
  private static final int MAX_COPIES = 8;

  /** Failures that {@code status} remembers. */
  private static final int MAX_FAILURES = 16;

  private final LiveConfiguration live;
  private final Storage storage;
  private final Targets targets;
  private final Snapshots snapshots;
  private final Exports exports;
  private final VolumeImports imports;
  private final StateFile state;
  private final Changes changes;
  private final Uses uses;
  private final EffectiveChange effective;
  private final Map<String, VolumeCopy> copies = new ConcurrentSkipListMap<>();

  /** Why a copy failed, by volume, until there is a volume of that name. Guarded by itself. */
  private final Map<String, String> failures = new TreeMap<>();

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
    this.storage = storage;
    this.targets = targets;
    this.snapshots = snapshots;
    this.exports = exports;
    this.imports = imports;
    this.state = state;
    this.changes = changes;
    this.uses = uses;
    this.effective = effective;
  }

  // --- create -------------------------------------------------------------------------------

  /**
   * Makes a volume. An empty one is there when this returns; a copy is there when it has ended.
   *
   * @return the copy that has begun; null when the volume is there
   */
  public @Nullable VolumeCopy create(NewVolume wanted) throws RefusedException {
    wanted.check();
    changes.lock();
    try {
      refuseIfTaken(wanted.name());
      boolean isThere = wanted.bytes() == null && wanted.from() == null;
      SnapshotState from = wanted.from() == null ? null : snapshot(wanted, wanted.from());
      VolumeState planned = planned(wanted, from, isThere);
      if (isThere) {
        serve(planned.in(Phase.READY));
        return null;
      }
      state.replace(state.state().with(planned));
      synchronized (failures) {
        failures.remove(wanted.name());
      }
      if (from != null) {
        return copy(planned, from);
      }
      try (FileChannel image = NewImage.open(planned, state.steps())) {
        NewImage.extend(image, Objects.requireNonNull(wanted.bytes()));
        complete(planned, image);
      } catch (IOException e) {
        throw undone(
            planned,
            new RefusedException(
                reason(planned, e) + "; its image cannot be made with that size", e));
      } catch (RefusedException e) {
        throw undone(planned, e);
      }
      return null;
    } finally {
      changes.unlock();
    }
  }

  @Override
  public boolean hasVolume(String name) {
    return live.configured().volumes().containsKey(name)
        || state.state().volumes().containsKey(name);
  }

  @Override
  public void prepare(String name, long bytes, int blockSize) throws RefusedException {
    NewVolume wanted = new NewVolume(name, bytes, null, null, blockSize, null);
    wanted.check();
    changes.lock();
    try {
      refuseIfTaken(name);
      var _ = planned(wanted, null, false);
      targets.forgetNames(name);
    } finally {
      changes.unlock();
    }
  }

  @Override
  public void make(String name, long bytes, int blockSize) throws RefusedException {
    var _ = create(new NewVolume(name, bytes, null, null, blockSize, null));
  }

  private static String reason(VolumeState volume, IOException e) {
    return "volume " + volume.name() + ": " + StateDirectory.reason(e);
  }

  private void refuseIfTaken(String name) throws RefusedException {
    Configuration now = live.configured();
    RuntimeState made = state.state();
    if (now.volumes().containsKey(name) || made.volumes().containsKey(name)) {
      throw new RefusedException("volume " + name + " exists; name another");
    }
    if (now.devices().containsKey(name)
        || made.devices().containsKey(name)
        || storage.devices().has(name)) {
      throw new RefusedException("there is a device named " + name + "; name another");
    }
    if (made.snapshots().values().stream().anyMatch(each -> each.volume().equals(name))) {
      throw new RefusedException(
          "there are snapshots of a volume "
              + name
              + " that is not configured any more: configure it again, or remove them with snapshot"
              + " remove --force");
    }
  }

  private SnapshotState snapshot(NewVolume wanted, String device) throws RefusedException {
    SnapshotState snapshot = state.state().snapshot(device);
    if (snapshot == null) {
      throw RefusedException.absent("snapshot", device, state.state().snapshots().keySet());
    }
    storage.refuseIfLeftOut(snapshot.volume());
    if (copies.size() >= MAX_COPIES) {
      throw wanted.refused(
          MAX_COPIES + " volumes are being made as copies; wait until one of them has ended");
    }
    return snapshot;
  }

  private VolumeState planned(NewVolume wanted, @Nullable SnapshotState from, boolean isThere)
      throws RefusedException {
    VolumeConfig source = from == null ? null : live.configured().volumes().get(from.volume());
    int block =
        Objects.requireNonNullElse(wanted.blockSize(), source == null ? 512 : source.blockSize());
    int physical =
        Objects.requireNonNullElse(
            wanted.physicalBlockSize(),
            source == null ? block : Math.max(block, source.physicalBlockSize()));
    Path path = wanted.path();
    Path image =
        path == null
            ? live.configured().imageDir().resolve(wanted.name() + ".img")
            : path.normalize();
    VolumeState planned =
        new VolumeState(
            wanted.name(),
            image,
            block,
            physical,
            from == null ? null : from.device(),
            Instant.now().truncatedTo(ChronoUnit.SECONDS),
            Phase.MAKING,
            UUID.randomUUID().toString().substring(0, 8));
    long bytes = from != null ? from.sectors() * 512 : wanted.bytes() == null ? 0 : wanted.bytes();
    wanted.checkBlocks(bytes, block, physical);
    checkImage(wanted, image, isThere);
    return planned;
  }

  private void checkImage(NewVolume wanted, Path image, boolean isThere) throws RefusedException {
    boolean exists = Files.exists(image, LinkOption.NOFOLLOW_LINKS);
    for (VolumeConfig other : live.configured().volumes().values()) {
      if (storage.backends().isSame(other.source().address(), image.toString())) {
        throw wanted.refused(image + " is the image of volume " + other.name());
      }
    }
    Path folder = VolumeLeftovers.folder(image);
    if (!folder.equals(live.configured().imageDir())) {
      storage.refuseState(image);
      if (!Files.isDirectory(folder)) {
        throw wanted.refused("there is no folder " + folder);
      }
    }
    if (exists && !isThere) {
      throw wanted.refused(
          image + " exists; without a size or a snapshot, --path serves it as it is");
    }
    if (isThere && !Files.exists(image)) {
      throw wanted.refused(image + " does not exist; with a size or a snapshot, it is made");
    }
  }

  /** The image is whole: from here on the volume will be there, whatever happens. */
  private void complete(VolumeState volume, FileChannel image)
      throws RefusedException, IOException {
    NewImage.complete(image, volume, state);
    serve(volume.in(Phase.READY));
  }

  private void serve(VolumeState ready) throws RefusedException {
    targets.forgetNames(ready.name());
    storage.forgetImage(ready.name());
    storage.openVolume(ready.config());
    try {
      effective.apply(state.state().with(ready));
    } catch (RefusedException e) {
      storage.removeVolume(ready.name());
      throw e;
    }
    LOG.info("volume {}: made, with {}", ready.name(), ready.path());
  }

  /** Nothing of it stays; what cannot be taken back now is at the next start. */
  private RefusedException undone(VolumeState volume, RefusedException reason) {
    try {
      VolumeState now = state.state().volumes().get(volume.name());
      if (now != null && now.phase() == Phase.MADE && !Files.exists(volume.part())) {
        VolumeLeftovers.delete(volume.path(), state.steps());
      }
      VolumeLeftovers.delete(volume.part(), state.steps());
      if (now != null) {
        state.replace(state.state().withoutVolume(volume.name()));
      }
    } catch (IOException e) {
      reason.addSuppressed(e);
      LOG.error("{}; the next start will delete it", reason(volume, e));
    } catch (RefusedException e) {
      reason.addSuppressed(e);
      LOG.error("volume {}: {}", volume.name(), e.getMessage());
    }
    return reason;
  }

  private VolumeCopy copy(VolumeState volume, SnapshotState from) {
    VolumeCopy copy = new VolumeCopy(volume.name(), from.device(), from.sectors() * 512);
    copies.put(volume.name(), copy);
    LOG.info("volume {}: being made as a copy of {}", volume.name(), from.device());
    Thread.ofPlatform().daemon().name("copy " + volume.name()).start(() -> run(volume, copy));
    return copy;
  }

  private void run(VolumeState volume, VolumeCopy copy) {
    RefusedException failure = null;
    try (FileChannel image = NewImage.open(volume, state.steps())) {
      exports.into(copy.from(), image, reached -> copy.at(reached.done()));
      changes.lock();
      try {
        copy.at(copy.state().total());
        complete(volume, image);
      } finally {
        changes.unlock();
      }
    } catch (IOException e) {
      failure = new RefusedException(reason(volume, e), e);
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
      var _ = undone(volume, failure);
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
  public List<VolumeCopy> copies() {
    return List.copyOf(copies.values());
  }

  /** Where the image of a volume is, or will be, that was made at run time. */
  public Path image(String name) {
    VolumeState volume = state.state().volumes().get(name);
    return volume == null ? live.configured().imageDir() : volume.path();
  }

  /** Volumes that are being made, or were made, by name. */
  public Map<String, VolumeState> all() {
    return state.state().volumes();
  }

  /** Whether a volume that is served was made at run time. */
  public boolean isMade(String name) {
    VolumeState volume = state.state().volumes().get(name);
    return volume != null
        && volume.phase() == Phase.READY
        && !live.file().volumes().containsKey(name);
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

  // --- remove -------------------------------------------------------------------------------

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
      copy = copies.get(name);
      if (copy == null) {
        return removeMade(name, deleteImage);
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

  private Removed removeMade(String name, boolean deleteImage) throws RefusedException {
    VolumeState volume = state.state().volumes().get(name);
    if (volume == null) {
      synchronized (failures) {
        if (failures.remove(name) != null) {
          return new Removed(live.configured().imageDir(), true);
        }
      }
      throw notMade("removed", name);
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
      return new Removed(volume.path(), false);
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
            reason(volume, e) + "; the volume is removed, and the next start deletes its image", e);
      }
      state.replace(without);
    }
    LOG.info(
        "volume {}: removed; {} {}", name, volume.path(), deleteImage ? "is deleted" : "stays");
    return new Removed(volume.path(), deleteImage);
  }

  private RefusedException notMade(String what, String name) {
    Set<String> made = new TreeSet<>(state.state().volumes().keySet());
    return live.configured().volumes().containsKey(name)
        ? new RefusedException(
            "volume " + name + " is in the configuration: it is " + what + " there, with a reload")
        : new RefusedException(
            "no volume "
                + name
                + " was made by volume create"
                + (made.isEmpty() ? "; none was" : "; there are: " + String.join(", ", made)));
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
    List<String> taken = snapshots(name);
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

  private List<String> snapshots(String volume) {
    return state.state().snapshots().values().stream()
        .filter(each -> each.volume().equals(volume))
        .map(SnapshotState::device)
        .toList();
  }

  // --- rename -------------------------------------------------------------------------------

  /**
   * Gives a volume that was made at run time another name, with its snapshots, LUNs, and the
   * devices that {@code dm} made on it. Initiators notice nothing: the disk stays the same.
   */
  public void rename(String name, String newName) throws RefusedException {
    NewVolume.checkName(newName);
    changes.lock();
    try {
      VolumeState volume = state.state().volumes().get(name);
      if (volume == null || !isMade(name)) {
        throw volume != null && volume.phase() != Phase.READY
            ? new RefusedException("volume " + name + " is still being made")
            : notMade("renamed", name);
      }
      storage.refuseIfLeftOut(name);
      imports.refuseWhileReceiving(name);
      refuseIfTaken(newName);
      Map<String, String> names = new TreeMap<>(Map.of(name, newName));
      for (SnapshotState snapshot : state.state().snapshots().values()) {
        if (snapshot.volume().equals(name)) {
          refuseUnlessStill(snapshot);
          names.put(snapshot.device(), newName + "@" + snapshot.name());
        }
      }
      refuseConfigured(name);
      VolumeRename rename = new VolumeRename(live, storage, targets, state, uses);
      rename.run(volume, newName, names);
      LOG.info("volume {}: renamed to {}", name, newName);
    } finally {
      changes.unlock();
    }
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

  /** A device or LUN of the file that names it would lose it. */
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
    for (String above : storage.devices().above(name)) {
      if (live.file().devices().containsKey(above)) {
        throw new RefusedException(
            "volume " + name + ": device " + above + " of the configuration stands on it");
      }
    }
  }
}
