// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.BeforeEach;

/** A snapshot of three chunks, and ways to hold its merge where a test wants it. */
abstract class ThreeChunkMerge {
  static final String MERGE = "0 2048 snapshot-merge origin cow P 8";

  final Bench bench = new Bench();
  final TestDevice origin = new TestDevice("origin", 2048).pattern('O');
  final TestDevice cow = new TestDevice("cow", 1024);
  final TestDevice cow2 = new TestDevice("cow2", 2048);

  @BeforeEach
  final void storeWithThreeChunks() throws TableException {
    bench.add(origin, cow, cow2);
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow P 8");
    for (int chunk : new int[] {3, 50, 5}) {
      bench.put(s, 'S', chunk * 8L, 8);
    }
    bench.remove("s");
  }

  /** Stops the merge where it writes to the origin, and starts it. */
  BlockDevice mergeHeldAtCopies() throws TableException {
    origin.hold(io -> io.op() == Io.Op.WRITE);
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(origin.held()).hasSize(3);
    return m;
  }

  void letGo() {
    origin.hold(io -> false);
    origin.release();
    bench.scheduler.runToQuiescence();
  }

  String message(String... words) throws TableException {
    return bench.await(bench.mapper.message("m", 0, List.of(words)));
  }

  static ByteBuffer sector() {
    return ByteBuffer.allocateDirect(512);
  }

  /** The flush between copying and committing is held; the batch has been copied. */
  BlockDevice mergeHeldAtFlush() throws TableException {
    origin.hold(io -> io.op() == Io.Op.FLUSH);
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(origin.held()).hasSize(1);
    return m;
  }

  byte[] onOrigin(int sector, int sectors) {
    return Arrays.copyOfRange(origin.bytes(), sector * 512, (sector + sectors) * 512);
  }

  static byte[] pattern(char tag, int sector, int sectors) {
    byte[] bytes = new byte[sectors * 512];
    Bench.pattern(tag, sector, sectors).get(bytes);
    return bytes;
  }

  byte[] onCow(int chunk, int sectors) {
    return Arrays.copyOfRange(cow.bytes(), chunk * 4096, chunk * 4096 + sectors * 512);
  }
}
