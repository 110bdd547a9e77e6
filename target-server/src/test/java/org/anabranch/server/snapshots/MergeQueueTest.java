// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.anabranch.server.control.Verb.Progress;
import org.anabranch.server.state.SnapshotState.Phase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several merges of one volume. */
final class MergeQueueTest {
  private static final Progress IGNORED = state -> {};

  @TempDir Path folder;

  @Test
  void aSecondMergeWaitsForTheFirst() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 1 << 20, 1);
      byte[] atA = volume.contents.clone();
      volume.snapshot("a");
      volume.write(0, 4 << 20, 2);
      volume.snapshot("b");
      volume.write(0, 8 << 20, 3);
      byte[] atC = volume.contents.clone();
      volume.snapshot("c");
      assertThat(volume.snapshots.merge("vm1@b", true).phase()).isEqualTo(Phase.MERGING);
      // The first merge ends when the thread that looks after merges next does, not earlier.
      assertThat(volume.snapshots.merge("vm1@a", true).phase()).isEqualTo(Phase.QUEUED);
      while (volume.snapshots.list("vm1").size() > 1) {
        Thread.onSpinWait();
      }
      assertThat(volume.snapshots.list("vm1").getFirst().device()).isEqualTo("vm1@c");
      volume.snapshot("now");
      volume.exports.raw("vm1@now", folder.resolve("now.img"), false, IGNORED);
      assertThat(folder.resolve("now.img")).hasBinaryContent(atA);
      volume.exports.raw("vm1@c", folder.resolve("c.img"), false, IGNORED);
      assertThat(folder.resolve("c.img")).hasBinaryContent(atC);
      try (Stream<Path> stores = Files.list(folder.resolve("cow"))) {
        assertThat(stores).hasSize(2);
      }
    }
  }
}
