// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.anabranch.server.base.RefusedException;
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

  /**
   * Makes another state the durable one.
   *
   * @throws RefusedException when it could not be written: the old one stays
   */
  public void replace(RuntimeState next) throws RefusedException {
    try {
      file.write(new StateText(file.path(), paths).render(next));
    } catch (IOException e) {
      throw new RefusedException(
          file.path() + " cannot be written: " + StateDirectory.reason(e), e);
    }
    state = next;
    keepRoom();
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
