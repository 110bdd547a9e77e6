// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.server.base.Progress;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.Exports;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What creating and removing snapshots must not do. */
final class SnapshotLifeTest {
  @TempDir Path folder;

  @Test
  void aFileInAStoresPlaceIsLeftAlone() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Path stranger = Files.createDirectories(folder.resolve("cow")).resolve("vm1@a.cow");
      Files.writeString(stranger, "somebody's");
      assertThatThrownBy(() -> volume.snapshot("a"))
          .isInstanceOf(RefusedException.class)
          .hasMessageStartingWith(stranger + " exists and belongs to no snapshot");
      assertThat(stranger).hasContent("somebody's");
      assertThat(volume.snapshots.list(null)).isEmpty();
    }
  }

  @Test
  void aNegativeSizeLeavesNothingBehind() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      assertThatThrownBy(() -> volume.snapshots.create("vm1", "a", 16, -512, false))
          .isInstanceOf(RefusedException.class);
      assertThat(volume.snapshots.list(null)).isEmpty();
      assertThat(folder.resolve("cow")).doesNotExist();
    }
  }

  @Test
  void readOnlyEndsWithTheSnapshot() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshots.create("vm1", "a", 16, 0, true);
      assertThat(volume.storage.devices().isReadOnly("vm1@a")).isTrue();
      volume.snapshots.remove("vm1@a", false);
      volume.snapshots.create("vm1", "a", 16, 0, false);
      assertThat(volume.storage.devices().isReadOnly("vm1@a")).isFalse();
    }
  }

  @Test
  void aSnapshotOfAnotherFileIsNotApplied() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 4096, 1);
      volume.snapshot("a");
    }
    Files.copy(folder.resolve("vm1.img"), folder.resolve("copy.img"));
    try (VolumeUnderTest volume = VolumeUnderTest.of(folder, "copy.img")) {
      assertThat(volume.storage.leftOut().all().toString())
          .contains("the image at " + folder.resolve("copy.img") + " is not the one")
          .contains("from " + folder.resolve("vm1.img") + " before")
          .contains("snapshots were taken of (vm1@a)");
      assertThat(volume.storage.devices().has("vm1@a")).isFalse();
    }
    Files.createSymbolicLink(folder.resolve("link.img"), folder.resolve("vm1.img"));
    try (VolumeUnderTest volume = VolumeUnderTest.of(folder, "link.img")) {
      assertThat(volume.snapshots.list("vm1")).hasSize(1);
    }
  }

  @Test
  void neitherSnapshotOfAComparisonCanGoMeanwhile() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("older");
      volume.write(0, 1 << 20, 1);
      volume.snapshot("younger");
      AtomicInteger looks = new AtomicInteger();
      Progress<Exports.State> look =
          state -> {
            looks.incrementAndGet();
            for (String device : new String[] {"vm1@older", "vm1@younger"}) {
              assertThatThrownBy(() -> volume.snapshots.remove(device, true))
                  .hasMessage(
                      "snapshot "
                          + device
                          + " is being read or exported; wait for that, or interrupt it");
            }
          };
      volume.exports.delta("vm1@younger", "vm1@older", folder.resolve("d"), false, look);
      int exported = looks.get();
      assertThat(exported).isPositive();
      volume.exports.changed(
          "vm1@younger",
          "vm1@older",
          false,
          extent -> look.report(new Exports.State(extent.offset(), extent.length())));
      assertThat(looks).hasValueGreaterThan(exported);
      volume.snapshots.remove("vm1@older", false);
      volume.snapshots.remove("vm1@younger", false);
    }
  }
}
