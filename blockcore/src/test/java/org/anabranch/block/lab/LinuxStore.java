// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/**
 * An origin and a store on the guest's disk. The devices there are called by the history's seed:
 *
 * <pre>
 *   oN, cN      origin and COW device (linear)
 *   sN, wN      the snapshot, the origin in use; rN: the snapshot, loaded again
 *   mN          the merge
 * </pre>
 */
final class LinuxStore {
  final StoreHistory history;
  private final LabDisk disk;
  private final long originAt;
  private final long cowAt;

  LinuxStore(StoreHistory history, LabDisk disk, SimulatedStore.Images images) throws IOException {
    this.history = history;
    this.disk = disk;
    this.originAt = disk.add(images.origin());
    this.cowAt = disk.add(images.cow());
  }

  /** Both devices as they are now. The guest must be off. */
  SimulatedStore.Images images() throws IOException {
    return new SimulatedStore.Images(
        disk.read(originAt, history.originSectors), disk.read(cowAt, history.cowSectors));
  }

  String name(String letter) {
    return letter + history.seed;
  }

  /** For dmsetup's {@code --concise}: the two parts of the disk. */
  String parts() {
    return "%s;%s"
        .formatted(
            concise("o", "0 %d linear /dev/vda %d".formatted(history.originSectors, originAt)),
            concise("c", "0 %d linear /dev/vda %d".formatted(history.cowSectors, cowAt)));
  }

  /**
   * The same: a device by its letter, with the target {@code snapshot} or {@code snapshot-merge}.
   */
  String concise(String letter, String tables) {
    return name(letter) + ",,,rw," + tables;
  }

  String cowTable(String target, String originLetter) {
    return String.format(
        Locale.ROOT,
        "0 %d %s /dev/mapper/%s /dev/mapper/%s %s %d",
        history.originSectors,
        target,
        name(originLetter),
        name("c"),
        history.type,
        history.chunkSectors);
  }

  String originTable() {
    return "0 %d snapshot-origin /dev/mapper/%s".formatted(history.originSectors, name("o"));
  }

  /** The origin's part of the disk with one chunk that can't be read or written. */
  String badOriginTable(int chunk) {
    int bad = chunk * history.chunkSectors;
    int behind = Math.min(bad + history.chunkSectors, history.originSectors);
    String tables = "%d %d error".formatted(bad, behind - bad);
    if (bad > 0) {
      tables = "0 %d linear /dev/vda %d,".formatted(bad, originAt) + tables;
    }
    if (behind < history.originSectors) {
      tables +=
          ",%d %d linear /dev/vda %d"
              .formatted(behind, history.originSectors - behind, originAt + behind);
    }
    return tables;
  }

  /** Steps that carry writes out; the pattern is on vdb. */
  List<String> writeSteps(List<StoreHistory.Write> writes) {
    return writes.stream()
        .map(write ->
            "write %s %d %d %d"
                .formatted(
                    name(write.toSnapshot() ? "s" : "w"),
                    write.sector(),
                    write.count(),
                    write.at()))
        .toList();
  }
}
