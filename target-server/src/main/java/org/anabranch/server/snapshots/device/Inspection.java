// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.anabranch.block.store.StoreReport;
import org.anabranch.config.Configuration;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.MadeAtRunTime;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeRecords;
import org.anabranch.server.storage.Backends;
import org.anabranch.server.storage.KnownImages;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.stores.StoreFile;
import org.anabranch.server.stores.StrayStores;
import org.jspecify.annotations.Nullable;

/**
 * What a server would leave out if it started now: images that are not their volumes', stores of
 * snapshots that are missing or damaged. Nothing is changed, and a server may run meanwhile; a
 * store that it has open is not read through.
 */
public final class Inspection {
  private Inspection() {}

  /**
   * What was made at run time, as the state directory of a configuration has it.
   *
   * @throws RefusedException when the state cannot be read: a server would not start
   */
  public static MadeAtRunTime made(Configuration configuration) throws RefusedException {
    return StateFile.look(configuration.stateDir().resolve("state.json")).made();
  }

  /**
   * Looks at the volumes of a configuration and at what its state directory remembers.
   *
   * @return a line for each thing that is not whole, with what to do; empty when all is well
   * @throws RefusedException when the state cannot be read: a server would not start
   */
  public static List<String> of(Configuration configuration, Backends backends)
      throws RefusedException {
    List<String> wrong = new ArrayList<>();
    for (VolumeConfig volume : configuration.volumes().values()) {
      String obstacle = backends.image(volume).obstacle();
      if (obstacle != null) {
        wrong.add("volume " + volume.name() + ": " + obstacle);
      }
    }
    Path folder = configuration.stateDir();
    if (!Files.isDirectory(folder)) {
      return wrong; // no server has run yet
    }
    RuntimeState state = StateFile.look(folder.resolve("state.json"));
    KnownImages images = new KnownImages(backends, new VolumeRecords(folder), () -> state);
    StrayStores strays = new StrayStores(folder, () -> List.copyOf(state.snapshots().values()));
    for (VolumeConfig volume : configuration.volumes().values()) {
      try {
        var _ = images.check(volume);
        strays.refuse(volume.name());
      } catch (RefusedException e) {
        wrong.add(String.valueOf(e.getMessage()));
      }
    }
    for (SnapshotState snapshot : state.snapshots().values()) {
      boolean lives = snapshot.phase() != Phase.CREATING && snapshot.phase() != Phase.REMOVING;
      if (lives && configuration.volumes().containsKey(snapshot.volume())) {
        try {
          checkStore(snapshot, Path.of(snapshot.store()));
          if (!snapshot.deviceStore().equals(snapshot.store())) {
            checkStore(snapshot, Path.of(snapshot.deviceStore()));
          }
        } catch (RefusedException e) {
          wrong.add(String.valueOf(SnapshotDevices.lost(snapshot, e).getMessage()));
        }
      }
    }
    return wrong;
  }

  private static void checkStore(SnapshotState snapshot, Path path) throws RefusedException {
    StoreFile.refuseUnlessStore(path, snapshot.chunkSectors());
    BackingDevice store;
    try {
      store = FileDevice.open(path.toString(), path, FileOptions.DEFAULT.withReadOnly(true));
    } catch (IOException e) {
      return; // a server has it open
    }
    try {
      StoreReport report =
          Stages.await(path.toString(), StoreReport.read(store, snapshot.sectors()));
      if (!report.sound()) {
        throw new RefusedException(path + ": " + report.problems().getFirst());
      }
    } finally {
      Stages.<@Nullable Void>await(path.toString(), store.close());
    }
  }
}
