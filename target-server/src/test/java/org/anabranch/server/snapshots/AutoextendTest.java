// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.testing.Await;
import org.anabranch.server.base.Progress;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.stores.StoreFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stores that are made small and grow. */
final class AutoextendTest {
  private static final int PIECE = 64 << 10;
  private static final Progress<Exports.State> IGNORED = state -> {};

  @TempDir Path folder;

  private Path store() {
    return folder.resolve("cow/vm1@a.cow");
  }

  private static String status(VolumeUnderTest volume) {
    SnapshotState snapshot = volume.snapshots.list("vm1").getFirst();
    return volume.snapshots.status(snapshot);
  }

  /** Writes the whole volume, everything at once. */
  private static void load(VolumeUnderTest volume, long seed) throws Exception {
    List<CompletableFuture<Boolean>> writes = new ArrayList<>();
    for (int at = 0; at < VolumeUnderTest.BYTES; at += PIECE) {
      writes.add(volume.begin("vm1", at, PIECE, seed));
    }
    writes.forEach(CompletableFuture::join);
  }

  @Test
  void aStoreGrowsUnderLoadAndStaysGrownOverARestart() throws Exception {
    String config = "stores { autoextend { threshold = 50, step = 64 KiB } }";
    byte[] before;
    long length;
    try (VolumeUnderTest volume = new VolumeUnderTest(folder, config)) {
      volume.write(0, 4 << 20, 1);
      before = volume.contents.clone();
      volume.snapshots.create("vm1", "a", 8, PIECE, false);
      assertThat(store()).hasSize(PIECE);
      load(volume, 2);
      assertThat(status(volume)).matches("\\d+/\\d+ \\d+");
      length = Files.size(store());
      assertThat(length).isGreaterThan(VolumeUnderTest.BYTES);
      volume.exports.raw("vm1@a", folder.resolve("a.img"), false, IGNORED);
      assertThat(folder.resolve("a.img")).hasBinaryContent(before);
    }
    try (VolumeUnderTest volume = new VolumeUnderTest(folder, config)) {
      assertThat(store()).hasSize(length);
      assertThat(status(volume)).contains("/" + length / 512 + " ");
      load(volume, 3);
      volume.exports.raw("vm1@a", folder.resolve("a.img"), true, IGNORED);
      assertThat(folder.resolve("a.img")).hasBinaryContent(before);
    }
  }

  @Test
  void theThresholdMakesItGrowBeforeItIsFull() throws Exception {
    String config = "stores { autoextend { threshold = 50, step = 128 KiB } }";
    try (VolumeUnderTest volume = new VolumeUnderTest(folder, config)) {
      volume.snapshots.create("vm1", "a", 8, PIECE, false);
      volume.write(0, PIECE / 2, 1); // 40 of 64 KiB with the metadata
      Await.until("the store grows", () -> Files.size(store()), size -> size > PIECE);
      assertThat(store()).hasSize(3 * PIECE);
    }
  }

  @Test
  void atTheLimitAFullStoreIsInvalidAndTheVolumeGoesOn() throws Exception {
    String config = "stores { autoextend { threshold = 50, step = 64 KiB, limit = 256 KiB } }";
    try (VolumeUnderTest volume = new VolumeUnderTest(folder, config)) {
      volume.snapshots.create("vm1", "a", 8, PIECE, false);
      volume.write(0, 3 * PIECE, 1);
      Await.until(
          "the store has grown by steps to its limit",
          volume.snapshots::warnings,
          warnings -> !warnings.isEmpty());
      assertThat(store()).hasSize(4 * PIECE);
      assertThat(volume.snapshots.warnings())
          .singleElement()
          .asString()
          .startsWith(
              "snapshot vm1@a: its store is more than 50 % full and cannot grow: it has reached its"
                  + " limit of 256 KiB;");
      assertThat(status(volume)).matches("\\d+/512 \\d+");
      load(volume, 2);
      assertThat(status(volume)).isEqualTo("Invalid");
      assertThat(volume.snapshots.warnings())
          .singleElement()
          .asString()
          .contains("snapshot vm1@a: it is invalid", "anabranch snapshot remove vm1@a");
      assertThat(store()).hasSize(4 * PIECE);
      volume.snapshots.remove("vm1@a", false);
      assertThat(volume.snapshots.warnings()).isEmpty();
    }
  }

  @Test
  void withoutAutoextendAFullStoreIsInvalid() throws Exception {
    try (VolumeUnderTest volume =
        new VolumeUnderTest(folder, "stores { autoextend { enabled = false } }")) {
      volume.snapshots.create("vm1", "a", 8, PIECE, false);
      volume.write(0, PIECE, 1);
      assertThat(status(volume)).isEqualTo("Invalid");
      assertThat(store()).hasSize(PIECE);
    }
  }

  @Test
  void anotherConfigurationHoldsForStoresThatAreThere() throws Exception {
    try (VolumeUnderTest volume =
        new VolumeUnderTest(folder, "stores { autoextend { enabled = false } }")) {
      volume.write(0, 1 << 20, 1);
      byte[] before = volume.contents.clone();
      volume.snapshots.create("vm1", "a", 8, PIECE, false);
      volume.configure(folder, "stores { autoextend { step = " + PIECE + " } }");
      volume.write(0, 4 * PIECE, 2);
      assertThat(status(volume)).matches("\\d+/\\d+ \\d+");
      volume.exports.raw("vm1@a", folder.resolve("a.img"), false, IGNORED);
      assertThat(folder.resolve("a.img")).hasBinaryContent(before);
    }
  }

  @Test
  void neverLongerThanTheVolumeCanNeed() throws Exception {
    try (VolumeUnderTest volume =
        new VolumeUnderTest(folder, "stores { autoextend { step = 1 GiB } }")) {
      volume.snapshots.create("vm1", "a", 8, PIECE, false);
      load(volume, 1);
      long sufficient = StoreFile.sufficient(VolumeUnderTest.BYTES / 512, 8);
      assertThat(store()).hasSize(sufficient);
      assertThat(volume.snapshots.warnings()).isEmpty();
      assertThat(status(volume)).matches("\\d+/\\d+ \\d+");
    }
  }

  @Test
  void littleSpaceIsToldAsLongAsThereAreSnapshots() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder, "stores { warn-below = 1 EiB }")) {
      assertThat(volume.snapshots.warnings()).isEmpty();
      volume.snapshot("a");
      assertThat(volume.snapshots.warnings())
          .singleElement()
          .asString()
          .contains("has less than 1 EiB left; when it is full, snapshots become invalid");
    }
  }
}
