// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.server.state.InvalidStoreFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is kept of a store that could not be marked as invalid itself. */
final class InvalidStoreTest {
  @TempDir Path folder;

  private static String status(VolumeUnderTest volume) {
    return volume.snapshots.status(volume.snapshots.list("vm1").getFirst());
  }

  @Test
  void snapshotIsInvalidAfterARestartAndGoneOnceRemoved() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
      String store = volume.snapshots.list("vm1").getFirst().store();
      try (OpenDevice cow = volume.storage.devices().hold(store)) {
        new InvalidStoreFiles(folder)
            .add(cow.device())
            .toCompletableFuture()
            .get(30, TimeUnit.SECONDS);
      }
    }
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      assertThat(status(volume)).isEqualTo("Invalid");
      volume.snapshots.remove("vm1@a", false);
      volume.snapshot("a");
      assertThat(status(volume)).matches("\\d+/\\d+ \\d+");
    }
  }
}
