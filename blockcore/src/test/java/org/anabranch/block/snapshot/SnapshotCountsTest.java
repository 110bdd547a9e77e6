// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.Counted;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;

/** What snapshots, origins, merges and stores count: exactly, and on which device. */
final class SnapshotCountsTest extends ThreeChunkMerge {
  private static final String SNAPSHOT = "0 2048 snapshot origin cow2 ";

  /** All counters above zero but those of requests and of the device, and the latencies' counts. */
  private Map<String, Long> counted(String device) throws TableException {
    Map<String, Long> moved = Counted.moved(bench.mapper.device(device).counts());
    moved.keySet().removeIf(key -> key.matches("(io|device) .*"));
    return moved;
  }

  @Test
  void originWriteIsCopiedOnce() throws TableException {
    bench.create("s2", SNAPSHOT + "P 8");
    BlockDevice o = bench.create("o", "0 2048 snapshot-origin origin");
    bench.put(o, 'W', 0, 512); // 64 chunks, one exception
    bench.put(o, 'W', 0, 512); // again: nothing to copy
    assertThat(counted("s2"))
        .isEqualTo(
            Map.of(
                "snapshot cow-copies", 64L,
                "snapshot cow-copied-bytes", 512L * 512,
                "snapshot exception latency", 1L,
                "store records", 64L,
                "store commits", 1L));
    assertThat(counted("o")).isEqualTo(Map.of("origin copy-waits", 1L));
  }

  @Test
  void aWriteOfWholeChunksFillsThem() throws TableException {
    BlockDevice s = bench.create("s2", SNAPSHOT + "P 8");
    bench.put(s, 'S', 4, 20); // half a chunk, and two whole ones
    assertThat(counted("s2"))
        .isEqualTo(
            Map.of(
                "snapshot cow-copies", 1L,
                "snapshot cow-copied-bytes", 4096L,
                "snapshot write-filled-chunks", 2L,
                "snapshot exception latency", 2L,
                "store records", 3L,
                "store commits", 1L));
  }

  @Test
  void mergeCountsOnTheDeviceThatIsMergedInto() throws TableException {
    BlockDevice m = mergeHeldAtCopies();
    bench.put(m, 'X', 25, 1);
    bench.put(m, 'Y', 392, 24);
    letGo();
    assertThat(counted("m"))
        .containsEntry("merge starts", 1L)
        .containsEntry("merge completions", 1L)
        .containsEntry("merge batches", 1L)
        .containsEntry("merge batch latency", 1L)
        .containsEntry("merge runs", 3L)
        .containsEntry("merge chunks", 3L)
        .containsEntry("merge copied-bytes", 3L * 4096)
        .containsEntry("merge interlock-waits", 2L)
        .containsEntry("store merge-commits", 1L)
        .containsEntry("store merged-records", 3L)
        .doesNotContainKey("merge failures");
  }

  @Test
  void writesToBothDevicesAreCounted() throws TableException {
    BlockDevice m = mergeHeldAtFlush();
    bench.put(m, 'X', 24, 8);
    assertThat(counted("m")).containsEntry("merge mirrored-writes", 1L);
    letGo();
    assertThat(counted("m"))
        .containsEntry("merge mirrored-writes", 1L)
        .doesNotContainKey("merge interlock-waits");
  }

  @Test
  void aMergeThatFailsAndBeginsAgain() throws TableException {
    origin.fault(io -> io.op() == Io.Op.FLUSH ? IoError.io(0, "broken", null) : null);
    bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(counted("m")).containsEntry("merge failures", 1L).containsEntry("merge starts", 1L);
    origin.fault(io -> null);
    bench.await(bench.mapper.suspend("m", SuspendMode.FLUSH));
    bench.await(bench.mapper.resume("m"));
    bench.scheduler.runToQuiescence();
    assertThat(counted("m"))
        .containsEntry("merge failures", 1L)
        .containsEntry("merge starts", 2L)
        .containsEntry("merge batches", 1L)
        .containsEntry("merge completions", 1L)
        .containsEntry("merge copied-bytes", 2L * 3 * 4096);
  }

  @Test
  void afterAHandoverTheNewOwnerCounts() throws TableException {
    BlockDevice s = bench.create("s2", SNAPSHOT + "P 8");
    bench.put(s, 'S', 0, 8);
    assertThat(counted("s2")).containsEntry("store records", 1L);
    BlockDevice o = bench.create("o", "0 2048 snapshot-origin origin");
    bench.put(o, 'W', 80, 8);
    bench.await(bench.mapper.load("o", "0 2048 snapshot-merge origin cow2 P 8"));
    bench.await(bench.mapper.suspend("s2", SuspendMode.FLUSH));
    bench.await(bench.mapper.resume("o"));
    bench.scheduler.runToQuiescence();
    assertThat(counted("s2"))
        .containsEntry("store records", 2L)
        .doesNotContainKey("store merged-records");
    assertThat(counted("o"))
        .containsEntry("origin copy-waits", 1L)
        .containsEntry("store merged-records", 2L)
        .containsEntry("merge completions", 1L);
  }

  @Test
  void aFullStoreOverflowsOrIsLost() throws TableException {
    bench.add(new TestDevice("small", 32));
    BlockDevice s = bench.create("s2", "0 2048 snapshot origin small PO 8");
    bench.put(s, 'S', 0, 8);
    bench.put(s, 'S', 80, 16);
    assertThat(counted("s2")).containsEntry("snapshot overflows", 1L);
    BlockDevice o = bench.create("o", "0 2048 snapshot-origin origin");
    bench.put(o, 'W', 160, 16);
    bench.put(o, 'W', 240, 16);
    assertThat(counted("s2"))
        .containsEntry("snapshot overflows", 1L)
        .containsEntry("snapshot invalidations", 1L);
  }

  @Test
  void aStoreThatCannotBeWrittenHasFailed() throws TableException {
    BlockDevice s = bench.create("s2", SNAPSHOT + "P 8");
    cow2.fault(io -> io.fua() ? IoError.io(0, "broken", null) : null);
    bench.put(s, 'S', 0, 8);
    assertThat(counted("s2"))
        .containsEntry("store failures", 1L)
        .containsEntry("snapshot invalidations", 1L)
        .doesNotContainKey("store records");
  }

  @Test
  void aWriteThatFindsNoSlotWaits() throws TableException {
    TestDevice disk = new TestDevice("wide", 16384);
    bench.add(disk, new TestDevice("cow3", 16384));
    bench.create("s3", "0 16384 snapshot wide cow3 P 1");
    BlockDevice wide = bench.create("w", "0 16384 snapshot-origin wide");
    disk.hold(io -> io.op() == Io.Op.READ);
    for (int i = 0; i < Bounds.DEFAULT.copies() + 3; i++) {
      bench.put(wide, 'W', 2L * i, 1);
    }
    assertThat(counted("w"))
        .containsEntry("origin copy-waits", (long) Bounds.DEFAULT.copies())
        .containsEntry("origin slot-waits", 3L);
  }
}
