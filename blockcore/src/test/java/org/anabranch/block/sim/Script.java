// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.SplittableRandom;
import org.anabranch.block.Limits;
import org.anabranch.block.snapshot.Bounds;

/**
 * A short life of a volume, always the same: written, snapshotted, written, zeroed and discarded on
 * both sides, snapshotted once more with another chunk size, rolled back while it is written, and
 * left in peace. Short enough to be cut off, or hit by a fault, at every point.
 */
final class Script {
  final Volume volume;
  private final SnapshotSteps snapshots;
  private final MergeSteps merges;
  private final Cow first;
  private final Cow second;
  private final int sectors;

  /**
   * @param chunk sectors of a chunk of the first snapshot
   * @param otherChunk of the second one
   */
  Script(long seed, int sectors, String type, int chunk, int otherChunk, Trace trace) {
    this.sectors = sectors;
    Machine machine =
        new Machine(seed, new Bounds(16 << 10, 4, (3L * chunk) << 9), trace, Sabotage.NONE);
    machine.addDisk(Volume.DISK, sectors, Limits.DEFAULT);
    first = cow(machine, "cow0", type, chunk);
    second = cow(machine, "cow1", "P", otherChunk);
    volume = new Volume(machine, sectors, 0, 0, true, new SplittableRandom(seed));
    snapshots = new SnapshotSteps(volume, 0);
    merges = new MergeSteps(volume);
  }

  private Cow cow(Machine machine, String name, String type, int chunk) {
    int chunks = (sectors + chunk - 1) / chunk;
    machine.addDisk(name, (long) (2 + chunks + chunks / (32 * chunk)) * chunk, Limits.DEFAULT);
    return new Cow(name, type, chunk, false, true, false);
  }

  void run() {
    volume.boot(volume.machine());
    writes(volume.lun(), 0, sectors, 5);
    snapshots.create(first);
    Snap rolledBackTo = volume.snaps.getFirst();
    writes(volume.lun(), 1, sectors - 2, 3);
    writes(rolledBackTo.user(), 2, sectors / 2, 4);
    zeroes(rolledBackTo.user());
    snapshots.create(second);
    zeroes(volume.lun());
    writes(volume.lun(), 0, sectors / 2, 2);
    merges.begin(rolledBackTo);
    if (volume.merging() != null) {
      writes(volume.lun(), 3, sectors - 4, 3);
      zeroes(volume.lun());
      merges.finish();
    }
    writes(volume.lun(), sectors / 2, sectors / 2, 2);
    volume.drain();
  }

  /** A discard and two writes of zeros that are under way together. */
  private void zeroes(Client user) {
    int third = sectors / 3;
    user.discard(1, third);
    user.writeZeroes(third + 1, third - 1, false);
    user.writeZeroes(2 * third, 1, true);
    volume.drain();
  }

  /** A few writes that are under way together, the last with FUA, and a flush behind them. */
  private void writes(Client user, int from, int count, int pieces) {
    int size = Math.max(1, count / pieces);
    for (int i = 0; i < pieces && (i + 1) * size <= count; i++) {
      user.write(from + i * size, size - (i % 2), i == pieces - 1);
    }
    volume.drain();
    user.flush();
    volume.drain();
    user.write(from, 1, false);
    volume.drain();
  }
}
