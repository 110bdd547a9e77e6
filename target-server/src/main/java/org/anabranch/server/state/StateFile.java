// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.SharedEntries;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code state.json}: a {@link RuntimeState} that survives, see {@link StateText}. Any thread may
 * look; one at a time may {@link #replace}, by its turn in {@link Changes}.
 *
 * <p>A file that does not read exactly as it was written is refused and never written over: whoever
 * edited it or whatever damaged it, what it stood for may be all that tells which stores belong to
 * which volumes.
 */
public final class StateFile {
  private static final Logger LOG = LoggerFactory.getLogger(StateFile.class);
  private static final int MAX_BYTES = 64 << 20;
  private final DurableFile file;
  private final StatePaths paths;
  private final DurableSteps steps;
  private volatile RuntimeState state;

  /** Set before the first change. */
  private volatile SharedEntries shared = SharedEntries.NONE;

  /**
   * Reads the file; an absent one is an empty state.
   *
   * @throws RefusedException when it is damaged, or written by a newer version
   */
  public StateFile(Path path) throws RefusedException {
    this(path, DurableSteps.UNWATCHED);
  }

  /**
   * The same, watched.
   *
   * @param steps is notified of each step that makes a change durable
   */
  public StateFile(Path path, DurableSteps steps) throws RefusedException {
    this.steps = steps;
    file = new DurableFile(path, steps);
    paths = paths(path);
    state = read(file, paths);
    forgetDraft();
    keepRoom();
  }

  /**
   * What a file holds; nothing is changed, and a server may run meanwhile.
   *
   * @throws RefusedException as when a server starts with it
   */
  public static RuntimeState look(Path path) throws RefusedException {
    return read(new DurableFile(path), paths(path));
  }

  private static StatePaths paths(Path path) {
    return new StatePaths(Objects.requireNonNull(path.toAbsolutePath().getParent()));
  }

  /** Is notified of each step that makes a change durable. */
  public DurableSteps steps() {
    return steps;
  }

  /** What is durable. */
  public RuntimeState state() {
    return state;
  }

  /** Where entries are kept of snapshots that other servers reach, too; before the first one. */
  public void sharedBy(SharedEntries entries) {
    shared = entries;
  }

  /**
   * Makes another state the durable one. What is shared of a volume is written to where its image
   * is, everything else to the file.
   *
   * @throws RefusedException when it could not be written: the old one stays
   */
  public void replace(RuntimeState next) throws RefusedException {
    RuntimeState old = state;
    Set<String> volumes = changedVolumes(old, next);
    RuntimeState own = next.withoutShared();
    boolean isOwnChanged = !own.equals(old.withoutShared());
    if (volumes.size() > 1
        || (!volumes.isEmpty() && !own.snapshots().equals(old.withoutShared().snapshots()))) {
      throw new RefusedException(
          "snapshots of "
              + String.join(", ", volumes)
              + " cannot be changed together with those of other volumes, since each of these"
              + " images carries its own (stores.pool): name one volume at a time");
    }
    for (String volume : volumes) {
      shared.write(volume, SharedText.render(next, volume, shared));
    }
    if (isOwnChanged || volumes.isEmpty()) {
      write(own);
    }
    state = next;
  }

  private static Set<String> changedVolumes(RuntimeState old, RuntimeState next) {
    Set<SnapshotState> changed = new HashSet<>(next.sharedSnapshots());
    Set<SnapshotState> gone = new HashSet<>(old.sharedSnapshots());
    changed.removeAll(old.sharedSnapshots());
    gone.removeAll(next.sharedSnapshots());
    changed.addAll(gone);
    return changed.stream()
        .map(SnapshotState::volume)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private void write(RuntimeState own) throws RefusedException {
    try {
      file.write(new StateText(file.path(), paths).render(own));
    } catch (IOException e) {
      throw new RefusedException(
          file.path() + " cannot be written: " + StateDirectory.reason(e), e);
    }
    keepRoom();
  }

  /**
   * This server has got a volume: knows its shared snapshots from now on, as they are kept with its
   * image. By its turn in {@link Changes}.
   *
   * @param origin the address of the volume's image
   * @throws RefusedException when they cannot be read, or a newer version wrote them
   */
  public void learn(String volume, String origin) throws RefusedException {
    RuntimeState next = state.withoutShared(volume);
    for (SnapshotState snapshot : SharedText.parse(shared.read(volume), volume, origin, shared)) {
      if (next.snapshot(snapshot.device()) != null) {
        throw new RefusedException(
            "snapshot "
                + snapshot.device()
                + " is known in two places: in "
                + file.path()
                + " and with the volume's image; remove or rename the one of the file on the"
                + " server that it was taken at");
      }
      next = next.with(snapshot);
    }
    state = next;
  }

  /**
   * This server is about to get a volume: reads what its image carries, whichever server has it.
   *
   * @param origin the address of the volume's image
   * @throws RefusedException as {@link #learn}
   */
  public void refuseUnreadable(String volume, String origin) throws RefusedException {
    SharedText.parse(shared.look(volume), volume, origin, shared);
  }

  /** Another server has a volume: what is shared of it is not known here any more. */
  public void forgetShared(String volume) {
    state = state.withoutShared(volume);
  }

  /** So that a snapshot can be removed from a disk that is full. */
  private void keepRoom() {
    try {
      file.keepRoom();
    } catch (IOException e) {
      LOG.warn(
          "no room is kept to write {} on a full disk: {}", file.path(), StateDirectory.reason(e));
    }
  }

  private void forgetDraft() throws RefusedException {
    try {
      file.forgetDraft();
    } catch (IOException e) {
      throw new RefusedException(file.path() + ": " + StateDirectory.reason(e), e);
    }
  }

  private static RuntimeState read(DurableFile file, StatePaths paths) throws RefusedException {
    try {
      return file.exists()
          ? new StateText(file.path(), paths).parse(file.read(MAX_BYTES))
          : RuntimeState.EMPTY;
    } catch (IOException e) {
      throw new RefusedException(file.path() + " cannot be read: " + StateDirectory.reason(e), e);
    } catch (StateText.Damage e) {
      throw new RefusedException(
          file.path()
              + " is damaged and was left as it is: "
              + e.getMessage()
              + "; restore it from a backup (anabranch state restore), or move it away to start"
              + " without its snapshots (their stores stay, and status names them), and without"
              + " volumes, LUNs and devices that commands made",
          e);
    }
  }
}
