// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class VolumeRecordsTest {
  private static final UUID VOLUME = UUID.fromString("0b7f6e0c-6f0e-4c3c-8d3f-2f1f6a4f2f10");

  @TempDir Path folder;

  @Test
  void whatIsWrittenComesBack() throws Exception {
    VolumeRecord record = new VolumeRecord("vm1", VOLUME, true, "rbd:pool/vm1", "rbd 17", 4096);
    new VolumeRecords(folder).put(record);
    assertThat(new VolumeRecords(folder).get("vm1")).isEqualTo(record);
    new VolumeRecords(folder).remove("vm1");
    assertThat(new VolumeRecords(folder).all()).isEmpty();
  }

  /** Earlier versions knew files only. An upgrade must not take an image for another one. */
  @Test
  void recordsOfEarlierVersionsAreRead() throws Exception {
    assertThat(old(2049, 131074).id()).isEqualTo("2049:131074");
    assertThat(old(53, 7).id()).as("a file system without a disk, such as NFS").isEqualTo("0:7");
    assertThat(old(-1, -1).id()).as("a block device").isEmpty();
    assertThat(old(2049, 131074))
        .isEqualTo(
            new VolumeRecord("vm1", VOLUME, true, "/srv/vm1.img", FileId.of(2049, 131074), 4096));
  }

  private VolumeRecord old(long device, long inode) throws Exception {
    Path file = folder.resolve("volumes/vm1.json");
    Files.createDirectories(folder.resolve("volumes"));
    Files.writeString(
        file,
        """
        { "bytes" : 4096, "device" : %d, "inode" : %d, "marked" : true,
          "path" : "/srv/vm1.img", "uuid" : "%s" }
        """
            .formatted(device, inode, VOLUME));
    VolumeRecord record = new VolumeRecords(folder).get("vm1");
    assertThat(record).isNotNull();
    return record;
  }
}
