// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.snapshot.Bench;
import org.anabranch.block.testing.TestDevice;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A cache above real snapshots: what they delay is acknowledged, and every change waits for it. */
final class WriteCacheOverSnapshotTest {
  private static final String SNAPSHOT = "0 512 snapshot origin cow P 8";
  private static final BootId BOOT = new BootId(new UUID(1, 2));

  private final Bench bench = new Bench();
  private final TestDevice origin = new TestDevice("origin", 512).pattern('O');
  private final TestDevice cow = new TestDevice("cow", 1024);
  private final MemorySegment memory = Arena.ofAuto().allocate(Ring.bytes(4, 65536), 64);
  private final Ring ring = Ring.open(memory, 65536, BOOT);

  @BeforeEach
  void devices() {
    bench.add(origin, cow);
  }

  private WriteCache over(String name) throws TableException {
    return bench.await(WriteCache.over(bench.mapper.device(name), ring, name, true));
  }

  private MappedDevice device(String name) throws TableException {
    return bench.mapper.device(name);
  }

  private static boolean isDone(CompletionStage<?> stage) {
    return stage.toCompletableFuture().isDone();
  }

  @Test
  void writeToAnOriginWithoutSnapshotsPasses() throws TableException {
    bench.create("lun", "0 512 snapshot-origin origin");
    WriteCache cache = over("lun");
    origin.hold();
    assertThat(bench.put(cache, 'a', 8, 8).done).isFalse();
    assertThat(cache.inRing()).isZero();
  }

  @Test
  void writeThatNeedsACopyIsAcknowledged() throws TableException {
    bench.create("snap", SNAPSHOT);
    bench.create("lun", "0 512 snapshot-origin origin");
    WriteCache cache = over("lun");
    cow.hold();
    assertThat(bench.put(cache, 'a', 8, 4).good()).isTrue();
    assertThat(bench.put(cache, 'b', 12, 4).good()).isTrue();
    assertThat(cache.inRing()).isEqualTo(2);
    cow.letGo();
    bench.scheduler.runToQuiescence();
    assertThat(cache.inRing()).isZero();
    assertThat((char) origin.bytes()[8 * 512]).isEqualTo('a');
    assertThat((char) bench.view(device("snap"))[8 * 512]).isEqualTo('O');
    origin.hold();
    assertThat(bench.put(cache, 'c', 8, 8).done).isFalse(); // the copy is there
    assertThat(cache.inRing()).isZero();
    origin.letGo();
  }

  /** Whatever the suspend is for, it waits; what comes later is not acknowledged early. */
  @Test
  void suspendTableChangeAndRemovalWaitForTheRing() throws TableException {
    bench.create("snap", SNAPSHOT);
    bench.create("lun", "0 512 snapshot-origin origin");
    WriteCache cache = over("lun");
    for (int change = 0; change < 3; change++) {
      cow.hold();
      assertThat(bench.put(cache, 'a', 8 + 16L * change, 4).good()).isTrue();
      CompletionStage<@Nullable Void> changed =
          switch (change) {
            case 0 -> bench.mapper.suspend("lun", SuspendMode.NOFLUSH);
            case 1 -> bench.mapper.reload("lun", "0 512 snapshot-origin origin");
            default -> bench.mapper.remove("lun");
          };
      bench.scheduler.runToQuiescence();
      assertThat(isDone(changed)).isFalse();
      Bench.Outcome later = bench.put(cache, 'b', 200 + 16L * change, 4);
      assertThat(later.done).isFalse();
      cow.letGo();
      bench.scheduler.runToQuiescence();
      assertThat(isDone(changed)).isTrue();
      assertThat(cache.inRing()).isZero();
      if (change == 0) {
        assertThat(bench.put(cache, 'c', 300, 4).done).isFalse(); // suspended: it waits there
        bench.await(bench.mapper.resume("lun"));
        bench.scheduler.runToQuiescence();
        assertThat((char) origin.bytes()[300 * 512]).isEqualTo('c');
      }
      assertThat(later.good()).isTrue();
    }
  }

  @Test
  void layerOfASuspendedDeviceIsHeld() throws TableException {
    bench.create("snap", SNAPSHOT);
    bench.create("lun", "0 512 snapshot-origin origin");
    bench.await(bench.mapper.suspend("lun", SuspendMode.FLUSH));
    WriteCache cache = over("lun");
    assertThat(bench.put(cache, 'a', 8, 4).done).isFalse();
    assertThat(cache.inRing()).isZero();
    cow.hold();
    bench.await(bench.mapper.resume("lun"));
    assertThat(bench.put(cache, 'b', 80, 4).good()).isTrue();
    cow.letGo();
  }

  /** Who uses the device past the cache finds what was acknowledged. */
  @Test
  void deviceSettles() throws TableException {
    bench.create("snap", SNAPSHOT);
    bench.create("lun", "0 512 snapshot-origin origin");
    assertThat(isDone(device("lun").settled())).isTrue();
    WriteCache cache = over("lun");
    cow.hold();
    assertThat(bench.put(cache, 'a', 8, 4).good()).isTrue();
    CompletionStage<@Nullable Void> settled = device("lun").settled();
    assertThat(bench.put(cache, 'b', 80, 4).good()).isTrue(); // goes on
    assertThat(isDone(settled)).isFalse();
    cow.letGo();
    bench.scheduler.runToQuiescence();
    assertThat(isDone(settled)).isTrue();
    assertThat((char) origin.bytes()[8 * 512]).isEqualTo('a');
  }

  @Test
  void writeToASnapshotIsAcknowledgedOnceItHasSpace() throws TableException {
    bench.create("lun", "0 512 snapshot-origin origin");
    bench.create("snap", SNAPSHOT);
    WriteCache cache = over("snap");
    cow.hold();
    assertThat(bench.put(cache, 'a', 8, 4).good()).isTrue(); // a part of a chunk
    assertThat(bench.put(cache, 'b', 64, 16).good()).isTrue(); // fills two
    assertThat(cache.inRing()).isEqualTo(2);
    cow.letGo();
    bench.scheduler.runToQuiescence();
    byte[] snapshot = bench.view(device("snap"));
    assertThat((char) snapshot[8 * 512]).isEqualTo('a');
    assertThat((char) snapshot[79 * 512]).isEqualTo('b');
  }

  /** A full store of type PO refuses writes one by one, as without a cache. */
  @Test
  void fullStoreRefusesTheWriteItself() throws TableException {
    TestDevice small = new TestDevice("small", 4 * 8); // two chunks of data
    bench.add(small);
    bench.create("lun", "0 512 snapshot-origin origin");
    bench.create("snap", "0 512 snapshot origin small PO 8");
    WriteCache cache = over("snap");
    assertThat(bench.put(cache, 'a', 0, 8).good()).isTrue();
    assertThat(bench.put(cache, 'a', 8, 4).good()).isTrue();
    Bench.Outcome full = bench.put(cache, 'b', 80, 4);
    assertThat(full.error).isNotNull().extracting(IoError::kind).isEqualTo(IoError.Kind.NO_SPACE);
    assertThat(cache.failure()).isNull();
    Bench.Outcome flush = new Bench.Outcome();
    assertThat(bench.run(cache, Io.flush((io, error) -> flush.done = error == null), flush).done)
        .isTrue();
  }

  /**
   * A write that has its place in the store, and waits for it, does not fail when others fill it.
   */
  @Test
  void overflowDoesNotFailWhatWasAcknowledged() throws TableException {
    TestDevice small = new TestDevice("small", 4 * 8); // two chunks of data
    bench.add(small);
    bench.create("lun", "0 512 snapshot-origin origin");
    bench.create("snap", "0 512 snapshot origin small PO 8");
    WriteCache cache = over("snap");
    small.hold();
    assertThat(bench.put(cache, 'a', 0, 4).good()).isTrue();
    assertThat(bench.put(cache, 'b', 8, 8).good()).isTrue();
    assertThat(bench.put(cache, 'c', 1, 1).done).isFalse(); // not submitted yet
    Bench.Outcome full = bench.put(cache, 'd', 80, 4);
    assertThat(full.error).isNotNull().extracting(IoError::kind).isEqualTo(IoError.Kind.NO_SPACE);
    small.letGo();
    bench.scheduler.runToQuiescence();
    assertThat(cache.failure()).isNull();
    byte[] snapshot = bench.view(device("snap"));
    assertThat((char) snapshot[0]).isEqualTo('a');
    assertThat((char) snapshot[8 * 512]).isEqualTo('b');
  }

  @Test
  void writeToAChunkThatIsMergedIsAcknowledged() throws TableException {
    bench.create("snap", SNAPSHOT);
    bench.create("lun", "0 512 snapshot-origin origin");
    assertThat(bench.put(device("snap"), 's', 8, 8).good()).isTrue();
    bench.await(bench.mapper.remove("snap"));
    origin.hold(io -> io.op() == Io.Op.WRITE);
    bench.await(bench.mapper.reload("lun", "0 512 snapshot-merge origin cow P 8"));
    WriteCache cache = over("lun");
    bench.scheduler.runToQuiescence();
    assertThat(origin.heldCount()).isOne(); // the merge writes the chunk
    assertThat(bench.put(cache, 'a', 10, 2).good()).isTrue();
    assertThat(cache.inRing()).isOne();
    origin.letGo();
    bench.scheduler.runToQuiescence();
    assertThat((char) origin.bytes()[10 * 512]).isEqualTo('a');
    assertThat((char) origin.bytes()[12 * 512]).isEqualTo('s');
  }

  @Test
  void whatAProcessLeftIsReplayedThroughTheSnapshots() throws TableException {
    RingPart part = ring.part("lun");
    part.acknowledge(Objects.requireNonNull(part.append(8, Bench.pattern('a', 8, 4))));
    bench.create("snap", SNAPSHOT);
    bench.create("lun", "0 512 snapshot-origin origin");
    Ring next = Ring.open(memory, 65536, BOOT);
    WriteCache cache = bench.await(WriteCache.over(device("lun"), next, "lun", false));
    assertThat((char) origin.bytes()[8 * 512]).isEqualTo('a');
    assertThat((char) bench.view(device("snap"))[8 * 512]).isEqualTo('O');
    assertThat(cache.failure()).isNull();
    assertThat(next.owners()).isEmpty();
  }
}
