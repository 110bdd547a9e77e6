// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TableLine;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.RefusedException;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;

/**
 * The mapped devices behind {@link Snapshots}: what it decides, done with tables. One call at a
 * time, except {@link #message} and {@link #status}.
 *
 * <pre>
 *   volume                        snapshot-origin FILE
 *   its snapshots                 snapshot        FILE STORE P chunk
 *   volume while it rolls back    snapshot-merge  FILE STORE P chunk
 *     behind the snapshot's end   snapshot-origin FILE
 * </pre>
 */
final class SnapshotDevices {
  private final Storage storage;
  private final Map<String, VolumeConfig> volumes;

  SnapshotDevices(Storage storage, Map<String, VolumeConfig> volumes) {
    this.storage = storage;
    this.volumes = volumes;
  }

  /** Refuses what can't be a snapshot's name. */
  static void checkName(String name) throws RefusedException {
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")) {
      throw new RefusedException(
          "not a snapshot's name: \""
              + name
              + "\"; allowed are 1 to 64 letters, digits, '.', '_', '+' and '-', the first one a"
              + " letter or digit");
    }
  }

  /** Makes the snapshot's own device. */
  void make(SnapshotState snapshot) throws RefusedException {
    storage.create(
        "snapshot " + snapshot.device(),
        snapshot.device(),
        "0 " + snapshot.sectors() + " snapshot " + arguments(snapshot));
    if (snapshot.readOnly()) {
      storage.readOnly(snapshot.device());
    }
  }

  /** Makes the device of a snapshot that {@code stateFile} tells of. */
  void restore(SnapshotState snapshot, Path stateFile) throws RefusedException {
    try {
      make(snapshot);
    } catch (RefusedException e) {
      throw new RefusedException(
          e.getMessage()
              + "; serving "
              + snapshot.volume()
              + " without it would destroy it: put "
              + snapshot.store()
              + " back, or give the snapshot up by deleting its entry from "
              + stateFile,
          e);
    }
  }

  private String arguments(SnapshotState snapshot) throws RefusedException {
    return path(snapshot.volume())
        + " "
        + TableLine.quote(snapshot.store().toString())
        + " P "
        + snapshot.chunkSectors();
  }

  private String path(String volume) throws RefusedException {
    return TableLine.quote(volume(volume).path().toString());
  }

  VolumeConfig volume(String name) throws RefusedException {
    VolumeConfig volume = volumes.get(name);
    if (volume == null) {
      throw new RefusedException(
          "there is no volume " + name + "; there are: " + String.join(", ", volumes.keySet()));
    }
    return volume;
  }

  long sectors(String volume) throws RefusedException {
    try {
      return storage.mapper().device(volume).sectors();
    } catch (TableException e) {
      throw new RefusedException("volume " + volume + ": " + e.getMessage(), e);
    }
  }

  /** Something to do. */
  interface Step {
    void run() throws RefusedException;
  }

  /** Nothing reaches the volume while the step runs; what was under way has ended before. */
  void whileSuspended(String volume, Step step) throws RefusedException {
    Stages.<@Nullable Void>await(volume, storage.mapper().suspend(volume, false));
    try {
      step.run();
    } finally {
      Stages.<@Nullable Void>await(volume, storage.mapper().resume(volume));
    }
  }

  /** The volume takes the store over, from the snapshot's device if there is one. */
  void startMerge(SnapshotState snapshot) throws RefusedException {
    String volume = snapshot.volume();
    String device = snapshot.device();
    var mapper = storage.mapper();
    long end = snapshot.sectors();
    long behind = sectors(volume) - end;
    String table = "0 " + end + " snapshot-merge " + arguments(snapshot);
    if (behind > 0) { // the volume has grown; newer snapshots see what is there, too
      table += "\n" + end + " " + behind + " snapshot-origin " + path(volume);
    }
    Stages.<@Nullable Void>await(volume, mapper.load(volume, table));
    boolean handover = storage.has(device);
    try {
      if (handover) {
        Stages.<@Nullable Void>await(device, mapper.suspend(device, false));
      }
      Stages.<@Nullable Void>await(volume, mapper.resume(volume));
    } catch (RefusedException e) {
      Stages.<@Nullable Void>await(volume, mapper.reload(volume, originTable(volume)));
      if (handover) {
        Stages.<@Nullable Void>await(device, mapper.resume(device));
      }
      throw e;
    }
    if (handover) {
      storage.remove(device);
    }
    if (snapshot.paused()) {
      message(volume, "pause");
    }
  }

  /** The volume is a volume with its other snapshots again. */
  void endMerge(String volume) throws RefusedException {
    Stages.<@Nullable Void>await(volume, storage.mapper().reload(volume, originTable(volume)));
  }

  private String originTable(String volume) throws RefusedException {
    return "0 " + sectors(volume) + " snapshot-origin " + path(volume);
  }

  /** Whether the volume's live table rolls it back. */
  boolean isMerging(String volume) {
    try {
      return storage.mapper().table(volume).contains(" snapshot-merge ");
    } catch (TableException e) {
      return false;
    }
  }

  /** Says a word to the merge of a volume; its reply. */
  String message(String volume, String word) throws RefusedException {
    return Stages.await(volume, storage.mapper().message(volume, 0, List.of(word)));
  }

  /** The status of a snapshot's device, as dmsetup prints it behind the type; "" without one. */
  String status(SnapshotState snapshot) {
    try {
      String line = storage.mapper().status(snapshot.device());
      String[] words = line.strip().split(" ", 4);
      return words.length == 4 ? words[3] : "";
    } catch (TableException e) {
      return ""; // it is being made, merged or removed
    }
  }
}
