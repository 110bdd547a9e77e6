// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;

/** A merge whose devices fail, or whose store is invalid. */
final class MergeFailureTest extends ThreeChunkMerge {
  @Test
  void failedCopyFailsWaitersAndOthersGoOn() throws TableException {
    BlockDevice m = mergeHeldAtCopies();
    Bench.Outcome waits = bench.put(m, 'X', 400, 8);
    origin.fault(io ->
        io.op() == Io.Op.WRITE && io.sector() == 400 ? IoError.io(400, "broken", null) : null);
    letGo();
    assertThat(waits.done).isTrue();
    assertThat(waits.error).isNotNull();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(message("progress")).startsWith("failed");
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    assertThat(bench.put(m, 'X', 800, 8).good()).isTrue();
    assertThat(bench.mapper.info("m").eventNumber()).isEqualTo(1);
    origin.fault(io -> null);
    bench.remove("m");
    bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 16/1024 16");
    assertThat(ByteBuffer.wrap(origin.bytes(), 24 * 512, 4096))
        .isEqualTo(Bench.pattern('X', 24, 8));
    assertThat(ByteBuffer.wrap(origin.bytes(), 400 * 512, 4096))
        .isEqualTo(Bench.pattern('S', 400, 8));
  }

  @Test
  void failedFlushLeavesEverythingInTheStore() throws TableException {
    origin.fault(io -> io.op() == Io.Op.FLUSH ? IoError.io(-1, "broken", null) : null);
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    bench.remove("m");
    bench.create("s", "0 2048 snapshot origin cow P 8");
    assertThat(bench.mapper.status("s")).isEqualTo("0 2048 snapshot 40/1024 16");
  }

  private void suspendAndResume() throws TableException {
    bench.await(bench.mapper.suspend("m", SuspendMode.FLUSH));
    bench.await(bench.mapper.resume("m"));
    bench.scheduler.runToQuiescence();
  }

  @Test
  void failedMergeBeginsAgainWithItsDevice() throws TableException {
    origin.fault(io ->
        io.op() == Io.Op.WRITE && io.sector() == 400 ? IoError.io(400, "broken", null) : null);
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    suspendAndResume();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(bench.mapper.info("m").eventNumber()).isEqualTo(2);

    origin.fault(io -> null);
    suspendAndResume();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 16/1024 16");
    assertThat(onOrigin(24, 8)).isEqualTo(pattern('X', 24, 8));
    assertThat(onOrigin(400, 8)).isEqualTo(pattern('S', 400, 8));
    long events = bench.mapper.info("m").eventNumber();
    suspendAndResume(); // nothing is left that could end once more
    assertThat(bench.mapper.info("m").eventNumber()).isEqualTo(events);
  }

  /** The list may end before or behind the batch: only its commit is done again. */
  @Test
  void failedCommitIsDoneAgainWithItsDevice() throws TableException {
    cow.fault(
        io -> io.op() == Io.Op.WRITE && io.sector() == 8 ? IoError.io(8, "broken", null) : null);
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    origin.fault(io -> io.op() == Io.Op.FLUSH ? IoError.io(-1, "broken", null) : null);
    suspendAndResume();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    assertThat(onOrigin(24, 8)).isEqualTo(pattern('X', 24, 8));
    assertThat(onCow(2, 8)).isEqualTo(pattern('X', 24, 8));

    cow.fault(io -> null);
    origin.fault(io -> null);
    origin.clearLog();
    cow.clearLog();
    suspendAndResume();
    assertThat(origin.log()).containsExactly("FLUSH 0+0");
    assertThat(cow.log()).containsExactly("WRITE FUA 8+8");
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 16/1024 16");
    assertThat(onOrigin(24, 8)).isEqualTo(pattern('X', 24, 8));
    assertThat(onOrigin(40, 8)).isEqualTo(pattern('S', 40, 8));
  }

  /** After a restart the batch may be found merged or not: so both devices have what is written. */
  @Test
  void failedCommitKeepsBothDevicesEqual() throws TableException {
    cow.fault(
        io -> io.op() == Io.Op.WRITE && io.sector() == 8 ? IoError.io(8, "broken", null) : null);
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(bench.read(m, 24, sector()).good()).isTrue();
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    assertThat(bench.put(m, 'X', 800, 8).good()).isTrue();
    assertThat(onOrigin(24, 8)).isEqualTo(pattern('X', 24, 8));
    assertThat(onCow(2, 8)).isEqualTo(pattern('X', 24, 8));
  }

  /** A merge of a snapshot that did not fit into its store, and so is invalid. */
  private BlockDevice mergeOfFullStore(TestDevice tiny) throws TableException {
    bench.add(tiny);
    BlockDevice s = bench.create("s", "0 2048 snapshot origin tiny P 8");
    bench.put(s, 'S', 0, 8);
    bench.remove("s");
    return bench.create("m", "0 2048 snapshot-merge origin tiny P 8");
  }

  @Test
  void invalidStoreLeavesTheLunWorking() throws TableException {
    TestDevice tiny = new TestDevice("tiny", 16);
    BlockDevice m = mergeOfFullStore(tiny);
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Invalid");
    assertThat(bench.put(m, 'X', 0, 8).good()).isTrue();
    assertThat(bench.view(m)).isEqualTo(origin.bytes());
  }

  @Test
  void deadCowDeviceOfAnInvalidStoreIsNotAsked() throws TableException {
    TestDevice tiny = new TestDevice("tiny", 16);
    BlockDevice m = mergeOfFullStore(tiny);
    tiny.fault(io -> IoError.io(0, "dead", null));
    tiny.limits(Limits.DEFAULT.withReadOnly(true));
    assertThat(bench.put(m, 'X', 0, 8).good()).isTrue();
    Bench.Outcome flush = new Bench.Outcome();
    assertThat(bench.run(m, Io.flush(flush::end), flush).good()).isTrue();
    assertThat(m.limits().readOnly()).isFalse();
  }

  @Test
  void deadCowDeviceFailsOnlyWhatGoesToIt() throws TableException {
    cow.limits(Limits.DEFAULT.withReadOnly(true));
    cow.fault(io -> io.sector() >= 16 ? IoError.io(0, "dead", null) : null);
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(m.limits().readOnly()).isFalse();
    assertThat(bench.put(m, 'X', 800, 8).good()).isTrue();
    assertThat(bench.put(m, 'X', 24, 8).good()).isFalse();
  }

  /** What is behind the list's end is nobody's: that it stays there is no failure. */
  @Test
  void areasThatCannotBeZeroedAreLeft() throws TableException {
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow2 P 1");
    for (long sector = 0; sector < 300; sector += 2) {
      bench.put(s, 'S', sector, 1);
    }
    byte[] view = bench.view(s);
    bench.remove("s");
    cow2.fault(io -> io.op() == Io.Op.WRITE_ZEROES ? IoError.io(0, "broken", null) : null);
    bench.create("m", "0 2048 snapshot-merge origin cow2 P 1");
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 2/2048 2");
    bench.remove("m");
    assertThat(bench.view(bench.create("s", "0 2048 snapshot origin cow2 P 1"))).isEqualTo(view);
    assertThat(bench.mapper.status("s")).isEqualTo("0 2048 snapshot 2/2048 2");
  }
}
