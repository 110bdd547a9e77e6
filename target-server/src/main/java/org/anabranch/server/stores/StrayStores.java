// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.stores;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.storage.NotWholeException;

/**
 * Files in the folder of the stores that belong to no snapshot of the state file. No crash leaves
 * any: an entry is durable before its store is made, and goes after it. So the state file was lost,
 * or an older one was put back, or somebody put the files there. A write to their volume would make
 * them worthless, so that volume is not served until somebody decides.
 */
public final class StrayStores {
  private static final String SUFFIX = ".cow";

  private final Path folder;
  private final Supplier<List<SnapshotState>> known;

  /**
   * @param stateFolder the state directory
   * @param known the snapshots of the state file, asked each time
   */
  public StrayStores(Path stateFolder, Supplier<List<SnapshotState>> known) {
    this.folder = stateFolder.resolve("cow").toAbsolutePath();
    this.known = known;
  }

  /** The folder of the stores. */
  public Path folder() {
    return folder;
  }

  /** Where the store of a snapshot is. */
  private Path store(String device) {
    return folder.resolve(device + SUFFIX);
  }

  /**
   * Where the store of a new snapshot is made. Where a snapshot that has another name now has its
   * store under this one, the new file has a number, too.
   */
  public String newStore(String device) {
    List<Path> taken = knownStores();
    Path store = store(device);
    for (int number = 2; taken.contains(store); number++) {
      store = folder.resolve(device + "~" + number + SUFFIX);
    }
    return store.toString();
  }

  private List<Path> knownStores() {
    return known.get().stream()
        .filter(each -> !each.isShared())
        .flatMap(each -> each.stores().stream())
        .map(Path::of)
        .toList();
  }

  private List<Path> all() throws RefusedException {
    List<Path> found = StoreFile.in(folder);
    found.removeAll(knownStores());
    found.sort(null);
    return found;
  }

  /** Those of a volume, by their names. */
  private List<String> of(String volume) throws RefusedException {
    List<String> snapshots = new ArrayList<>();
    for (Path store : all()) {
      String file = String.valueOf(store.getFileName());
      if (file.startsWith(volume + "@") && file.endsWith(SUFFIX)) {
        snapshots.add(file.substring(0, file.length() - SUFFIX.length()));
      }
    }
    return snapshots;
  }

  /**
   * Refuses a volume with stray stores.
   *
   * @throws NotWholeException with what to do
   */
  public void refuse(String volume) throws RefusedException {
    List<String> snapshots = of(volume);
    if (!snapshots.isEmpty()) {
      throw new NotWholeException(
          "volume " + volume,
          "there are stores of snapshots of it that the server does not know any more ("
              + String.join(", ", snapshots)
              + "), and a write to it would destroy them",
          "stop the server and put its state.json back, if that was lost; or give them up: anabranch"
              + " snapshot remove --force "
              + snapshots.getFirst()
              + ", then: anabranch volume retry "
              + volume);
    }
  }

  /** Deletes the stray store of a snapshot, durably. Whether there was one. */
  public boolean delete(String device, DurableSteps steps) throws RefusedException {
    Path store;
    try {
      store = store(device);
    } catch (InvalidPathException e) {
      return false; // no file can have this name
    }
    if (!all().contains(store)) {
      return false;
    }
    StoreFile.delete(store, steps);
    return true;
  }

  /**
   * A warning of those that are there; none for volumes that have a warning of their own.
   *
   * @param leftOut volumes that are not served
   */
  public List<Warning> warnings(List<String> leftOut) throws RefusedException {
    List<Path> there = new ArrayList<>(all());
    there.removeIf(store ->
        !Files.exists(store)
            || leftOut.stream()
                .anyMatch(volume -> String.valueOf(store.getFileName()).startsWith(volume + "@")));
    if (there.isEmpty()) {
      return List.of();
    }
    return List.of(
        new Warning(
            "folder " + folder,
            "it has files that belong to no snapshot, such as "
                + there.getFirst().getFileName()
                + ": "
                + there.size()
                + " in all",
            "stop the server and put its state.json back if that was lost, before anything is"
                + " written to the volumes; or delete the files"));
  }
}
