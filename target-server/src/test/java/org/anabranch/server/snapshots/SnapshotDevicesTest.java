// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.anabranch.server.base.Progress;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.stores.StorePlaces;
import org.anabranch.server.stores.StrayStores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tables behind a volume and its snapshots. */
final class SnapshotDevicesTest {
  private static final Progress<Exports.State> IGNORED = state -> {};
  private static final int GROWN = VolumeUnderTest.BYTES + (4 << 20);

  @TempDir Path folder;

  /** The table of the merge stays until somebody changes it: the merge may end when it likes. */
  @Test
  void whatIsBehindAMergeIsCopiedForOtherSnapshots() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
      volume.write(0, 2 << 20, 2);
      volume.storage.resize(volume.config(), GROWN / 512);
      volume.write("vm1", VolumeUnderTest.BYTES, 1 << 20, 3);
      byte[] atB = Arrays.copyOf(volume.contents, GROWN);
      System.arraycopy(VolumeUnderTest.data(1 << 20, 3), 0, atB, VolumeUnderTest.BYTES, 1 << 20);
      volume.snapshot("b");

      StorePlaces places =
          new StorePlaces(new StrayStores(folder, List::of), name -> null, () -> null, List::of);
      new SnapshotDevices(volume.storage, volume.live, volume.initiators, new Readers(), places)
          .startMerges(List.of(volume.snapshots.list("vm1").getFirst()));
      assertThat(volume.storage.mapper().table("vm1").lines()).hasSize(2);
      volume.write("vm1", VolumeUnderTest.BYTES, 2 << 20, 4);

      volume.exports.raw("vm1@b", folder.resolve("b.img"), false, IGNORED);
      assertThat(folder.resolve("b.img")).hasBinaryContent(atB);
    }
  }
}
