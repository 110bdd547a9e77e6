// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;

/** A volume is rolled back, and its snapshot is there meanwhile and afterwards. */
final class MergedOriginTest {
  private static final int SECTORS = 2048;
  private static final String ORIGIN = "0 2048 snapshot-origin origin";
  private static final String MERGE = "0 2048 snapshot-merge origin old P 8";
  private static final String KEPT = "0 2048 snapshot origin new P 16 1 merged_origin";

  private final Bench bench = new Bench();
  private final TestDevice origin = new TestDevice("origin", SECTORS).pattern('O');
  private final TestDevice old = new TestDevice("old", 4096);
  private final TestDevice empty = new TestDevice("new", 8192);

  /** The volume and its snapshot, both written since; what the snapshot reads as. */
  private byte[] begin() throws TableException {
    bench.add(origin, old, empty, new TestDevice("other", 8192));
    BlockDevice snapshot = bench.create("s", "0 2048 snapshot origin old P 8");
    BlockDevice volume = bench.create("v", ORIGIN);
    assertThat(bench.put(volume, 'V', 100, 60).good()).isTrue();
    assertThat(bench.put(snapshot, 'S', 400, 20).good()).isTrue();
    return bench.view(snapshot);
  }

  /** The volume takes the store over; the snapshot's device gets the empty one. */
  private void mergeAndKeep() throws TableException {
    bench.await(bench.mapper.load("v", MERGE));
    bench.await(bench.mapper.load("s", KEPT));
    bench.await(bench.mapper.suspend("s", SuspendMode.FLUSH));
    bench.await(bench.mapper.resume("v"));
    bench.await(bench.mapper.resume("s"));
  }

  private void holdMerge() {
    origin.hold(io -> io.op() == Io.Op.FLUSH);
  }

  private void letGo() {
    origin.hold(io -> false);
    origin.release();
    bench.scheduler.runToQuiescence();
  }

  private BlockDevice device(String name) throws TableException {
    return bench.mapper.device(name);
  }

  @Test
  void snapshotReadsTheSameBeforeDuringAndAfter() throws TableException {
    byte[] then = begin();
    holdMerge();
    mergeAndKeep();
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("v")).doesNotContain("16/4096 16");
    assertThat(bench.view(device("v"))).isEqualTo(then);
    assertThat(bench.view(device("s"))).isEqualTo(then);
    // A chunk that is merged, one that is not, and one that has no exception.
    for (int sector : new int[] {104, 404, 1000}) {
      assertThat(bench.put(device("v"), 'W', sector, 3).good()).isTrue();
    }
    assertThat(bench.view(device("s"))).isEqualTo(then);
    letGo();
    assertThat(bench.mapper.status("v")).isEqualTo("0 2048 snapshot-merge 16/4096 16");
    assertThat(bench.view(device("s"))).isEqualTo(then);
    assertThat(bench.put(device("v"), 'X', 1500, 30).good()).isTrue();
    bench.await(bench.mapper.load("v", ORIGIN));
    bench.await(bench.mapper.resume("v"));
    assertThat(bench.put(device("v"), 'Y', 0, 400).good()).isTrue();
    assertThat(bench.view(device("s"))).isEqualTo(then);
    // What the image is now: the table of a restart.
    bench.remove("s");
    BlockDevice again = bench.create("s", "0 2048 snapshot origin new P 16");
    assertThat(bench.view(again)).isEqualTo(then);
  }

  @Test
  void nothingIsCopiedForTheSnapshotUntilTheVolumeIsWritten() throws TableException {
    begin();
    mergeAndKeep();
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("v")).isEqualTo("0 2048 snapshot-merge 16/4096 16");
    assertThat(bench.mapper.status("s")).isEqualTo("0 2048 snapshot 32/8192 32");
  }

  @Test
  void aWriteBeforeTheDeviceIsResumedIsNotInIt() throws TableException {
    byte[] then = begin();
    bench.await(bench.mapper.load("v", MERGE));
    bench.await(bench.mapper.load("s", KEPT));
    bench.await(bench.mapper.suspend("s", SuspendMode.FLUSH));
    bench.await(bench.mapper.resume("v"));
    assertThat(bench.put(device("v"), 'W', 0, 500).good()).isTrue();
    bench.await(bench.mapper.resume("s"));
    assertThat(bench.view(device("s"))).isEqualTo(then);
  }

  @Test
  void tableSaysSoUntilTheEndOfTheMerge() throws TableException {
    begin();
    holdMerge();
    mergeAndKeep();
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.table("s")).isEqualTo(KEPT);
    letGo();
    assertThat(bench.mapper.table("s")).isEqualTo("0 2048 snapshot origin new P 16");
  }

  /** The other snapshot has the image: it needs its copies of what the merge overwrites. */
  @Test
  void otherSnapshotsOfTheVolumeStayRight() throws TableException {
    byte[] then = begin();
    BlockDevice other = bench.create("b", "0 2048 snapshot origin other PO 4");
    byte[] otherThen = bench.view(other);
    mergeAndKeep();
    assertThat(bench.put(device("v"), 'W', 90, 700).good()).isTrue();
    assertThat(bench.put(device("s"), 'T', 96, 1).good()).isTrue();
    bench.scheduler.runToQuiescence();
    assertThat(bench.view(other)).isEqualTo(otherThen);
    System.arraycopy(ThreeChunkMerge.pattern('T', 96, 1), 0, then, 96 * 512, 512);
    assertThat(bench.view(device("s"))).isEqualTo(then);
  }

  @Test
  void discardAndZerosOfTheVolumeAreNotInIt() throws TableException {
    byte[] then = begin();
    holdMerge();
    mergeAndKeep();
    Bench.Outcome discard = new Bench.Outcome();
    bench.run(device("v"), Io.discard(96, 32, discard::end), discard);
    Bench.Outcome zeros = new Bench.Outcome();
    bench.run(device("v"), Io.writeZeroes(390, 40, false, zeros::end), zeros);
    assertThat(discard.good() && zeros.good()).isTrue();
    assertThat(bench.view(device("s"))).isEqualTo(then);
    letGo();
    assertThat(bench.view(device("s"))).isEqualTo(then);
  }

  @Test
  void withoutItsMergeItFailsAndItsOriginTakesNoWrites() throws TableException {
    byte[] then = begin();
    holdMerge();
    mergeAndKeep();
    bench.scheduler.runToQuiescence();
    letGoOfNothing();
    bench.await(bench.mapper.load("v", ORIGIN));
    var resumed = bench.mapper.resume("v").toCompletableFuture();
    origin.fault(io -> io.op() == Io.Op.FLUSH ? IoError.io(-1, "broken", null) : null);
    letGo();
    assertThat(resumed).isCompleted();
    origin.fault(io -> null);
    assertThat(bench.read(device("s"), 0, ThreeChunkMerge.sector()).error).isNotNull();
    assertThat(bench.put(device("v"), 'W', 0, 8).error).isNotNull();
    assertThat(bench.mapper.status("s")).doesNotContain("Invalid");
    // The merge goes on, and with it the snapshot is there again.
    bench.await(bench.mapper.load("v", MERGE));
    bench.await(bench.mapper.resume("v"));
    bench.scheduler.runToQuiescence();
    assertThat(bench.view(device("s"))).isEqualTo(then);
    assertThat(bench.put(device("v"), 'W', 0, 8).good()).isTrue();
  }

  private void letGoOfNothing() {
    assertThat(origin.held()).hasSize(1); // the batch waits for its flush
  }

  @Test
  void isInvalidWithTheMerge() throws TableException {
    begin();
    bench.remove("s", "v");
    old.bytes()[4] = 0; // valid
    bench.create("s", KEPT);
    bench.create("v", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("v")).contains("Invalid");
    assertThat(bench.mapper.status("s")).contains("Invalid");
    assertThat(bench.put(device("v"), 'W', 0, 8).good()).isTrue();
    assertThat(bench.read(device("s"), 0, ThreeChunkMerge.sector()).error).isNotNull();
  }

  @Test
  void isRefusedWhereItMeansNothing() {
    bench.add(origin, old, empty);
    assertThatThrownBy(() -> bench.create("m", MERGE + " 1 merged_origin"))
        .hasMessageContaining("merged_origin is for a snapshot that follows a merge");
    assertThatThrownBy(() ->
            bench.create(
                "s",
                "0 2048 snapshot origin new P 8 3 discard_zeroes_cow discard_passdown_origin"
                    + " merged_origin"))
        .hasMessageContaining("exclude each other");
  }
}
