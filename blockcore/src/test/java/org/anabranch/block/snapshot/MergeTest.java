// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.TableException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A merge and what happens to requests meanwhile. */
final class MergeTest {
  private static final String MERGE = "0 2048 snapshot-merge origin cow P 8";

  private final Bench bench = new Bench();
  private final RamDevice origin = new RamDevice("origin", 2048).pattern('O');
  private final RamDevice cow = new RamDevice("cow", 1024);
  private final RamDevice cow2 = new RamDevice("cow2", 2048);

  @BeforeEach
  void storeWithThreeChunks() throws TableException {
    bench.add(origin, cow, cow2);
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow P 8");
    for (int chunk : new int[] {3, 50, 5}) {
      bench.put(s, 'S', chunk * 8L, 8);
    }
    bench.remove("s");
  }

  /** Stops the merge where it writes to the origin, and starts it. */
  private BlockDevice mergeHeldAtCopies() throws TableException {
    origin.hold = io -> io.op() == Io.Op.WRITE;
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(origin.held).hasSize(3);
    return m;
  }

  private void letGo() {
    origin.hold = io -> false;
    origin.release();
    bench.scheduler.runToQuiescence();
  }

  private String message(String... words) throws TableException {
    return bench.await(bench.mapper.message("m", 0, List.of(words)));
  }

  private static ByteBuffer sector() {
    return ByteBuffer.allocateDirect(512);
  }

  @Test
  void writesToTheBatchWaitAndLand() throws TableException {
    BlockDevice m = mergeHeldAtCopies();
    Bench.Outcome hit = bench.put(m, 'X', 25, 1);
    Bench.Outcome across = bench.put(m, 'Y', 392, 24); // chunks 49 to 51
    assertThat(hit.done || across.done).isFalse();
    assertThat(message("progress"))
        .startsWith("running remaining=12288 merged=0")
        .endsWith("waiting=2");
    Bench.Outcome read = bench.read(m, 25, sector());
    assertThat(read.good()).isTrue();
    letGo();
    assertThat(hit.good() && across.good()).isTrue();
    assertThat(ByteBuffer.wrap(origin.bytes(), 25 * 512, 512)).isEqualTo(Bench.pattern('X', 25, 1));
    assertThat(ByteBuffer.wrap(origin.bytes(), 24 * 512, 512)).isEqualTo(Bench.pattern('S', 24, 1));
    assertThat(ByteBuffer.wrap(origin.bytes(), 392 * 512, 24 * 512))
        .isEqualTo(Bench.pattern('Y', 392, 24));
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 16/1024 16");
    assertThat(message("progress")).startsWith("done remaining=0 merged=12288");
  }

  @Test
  void otherWritesGoOn() throws TableException {
    BlockDevice m = mergeHeldAtCopies();
    origin.hold = io -> false;
    assertThat(bench.put(m, 'X', 800, 8).good()).isTrue();
    letGo();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 16/1024 16");
  }

  @Test
  void writeOnItsWayToTheCowDeviceIsMerged() throws TableException {
    // The other snapshot's copy keeps the batch open while the write is on its way.
    BlockDevice other = bench.create("s2", "0 2048 snapshot origin cow2 P 16");
    byte[] otherView = bench.view(other);
    cow2.hold = io -> io.op() == Io.Op.WRITE;
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(cow2.held).isNotEmpty();
    cow.hold = io -> io.op() == Io.Op.WRITE;
    Bench.Outcome write = bench.put(m, 'X', 24, 8);
    assertThat(cow.held).hasSize(1);
    cow2.hold = io -> false;
    cow2.release();
    bench.scheduler.runToQuiescence();
    assertThat(origin.log).contains("WRITE 40+8").noneMatch(io -> io.startsWith("WRITE 24+"));
    cow.hold = io -> false;
    cow.release();
    bench.scheduler.runToQuiescence();
    assertThat(write.good()).isTrue();
    assertThat(ByteBuffer.wrap(origin.bytes(), 24 * 512, 4096))
        .isEqualTo(Bench.pattern('X', 24, 8));
    assertThat(bench.view(other)).isEqualTo(otherView);
  }

  @Test
  void twoOtherSnapshotsOfOtherChunkSizesKeepTheirView() throws TableException {
    bench.add(new RamDevice("cow3", 4096));
    BlockDevice small = bench.create("s2", "0 2048 snapshot origin cow2 P 1");
    BlockDevice large = bench.create("s3", "0 2048 snapshot origin cow3 PO 64");
    byte[] view = bench.view(small);
    BlockDevice m = bench.create("m", MERGE);
    bench.put(m, 'X', 500, 30);
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 16/1024 16");
    assertThat(bench.view(small)).isEqualTo(view);
    assertThat(bench.view(large)).isEqualTo(view);
    assertThat(bench.mapper.status("s2")).isEqualTo("0 2048 snapshot 57/2048 3");
  }

  @Test
  void pausesThrottlesAndGoesOn() throws TableException {
    RamDevice large = new RamDevice("large", 32768);
    bench.add(large, new RamDevice("store", 32768));
    BlockDevice s = bench.create("s", "0 32768 snapshot large store P 64");
    long mebibyte = 1 << 20;
    bench.put(s, 'S', 0, 12 * mebibyte / 512);
    bench.remove("s");
    large.hold = io -> io.op() == Io.Op.WRITE;
    bench.create("m", "0 32768 snapshot-merge large store P 64");
    bench.scheduler.runToQuiescence();
    message("pause");
    large.hold = io -> false;
    large.release();
    bench.scheduler.runToQuiescence();
    assertThat(message("progress")).startsWith("paused remaining=12320768 merged=262144");

    message("throttle", Long.toString(mebibyte));
    message("resume");
    long begin = bench.scheduler.nanoTime();
    bench.scheduler.runToQuiescence();
    assertThat(message("progress")).startsWith("done remaining=0 merged=12582912 rate=1048576");
    // The simulator's time: the last part of 11.75 seconds need not be waited for.
    assertThat(bench.scheduler.nanoTime() - begin).isBetween(11_250_000_000L, 12_250_000_000L);
    for (List<String> bad :
        List.of(
            List.of("jump"), List.of("throttle"), List.of("pause", "now"), List.of("batch", "x"))) {
      assertThatThrownBy(() -> bench.await(bench.mapper.message("m", 0, bad)))
          .isInstanceOf(TableException.class);
    }
  }

  @Test
  void suspendStopsAndResumeGoesOn() throws TableException {
    BlockDevice m = mergeHeldAtCopies();
    var suspended = bench.mapper.suspend("m", false).toCompletableFuture();
    bench.scheduler.runToQuiescence();
    assertThat(suspended.isDone()).isFalse();
    letGo();
    assertThat(suspended.isDone()).isTrue();
    bench.await(bench.mapper.resume("m"));
    bench.scheduler.runToQuiescence();
    assertThat(message("progress")).startsWith("done");
    assertThat(bench.put(m, 'X', 0, 8).good()).isTrue();
  }

  @Test
  void failedCopyFailsWaitersAndOthersGoOn() throws TableException {
    BlockDevice m = mergeHeldAtCopies();
    Bench.Outcome waits = bench.put(m, 'X', 400, 8);
    origin.fault =
        io -> io.op() == Io.Op.WRITE && io.sector() == 400 ? IoError.io(400, "broken", null) : null;
    letGo();
    assertThat(waits.done).isTrue();
    assertThat(waits.error).isNotNull();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(message("progress")).startsWith("failed");
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    assertThat(bench.put(m, 'X', 800, 8).good()).isTrue();
    assertThat(bench.mapper.info("m").eventNumber()).isEqualTo(1);
    origin.fault = io -> null;
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
    origin.fault = io -> io.op() == Io.Op.FLUSH ? IoError.io(-1, "broken", null) : null;
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    bench.remove("m");
    bench.create("s", "0 2048 snapshot origin cow P 8");
    assertThat(bench.mapper.status("s")).isEqualTo("0 2048 snapshot 40/1024 16");
  }

  private void suspendAndResume() throws TableException {
    bench.await(bench.mapper.suspend("m", false));
    bench.await(bench.mapper.resume("m"));
    bench.scheduler.runToQuiescence();
  }

  @Test
  void failedMergeBeginsAgainWithItsDevice() throws TableException {
    origin.fault =
        io -> io.op() == Io.Op.WRITE && io.sector() == 400 ? IoError.io(400, "broken", null) : null;
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    suspendAndResume();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(bench.mapper.info("m").eventNumber()).isEqualTo(2);

    origin.fault = io -> null;
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
    cow.fault =
        io -> io.op() == Io.Op.WRITE && io.sector() == 8 ? IoError.io(8, "broken", null) : null;
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    origin.fault = io -> io.op() == Io.Op.FLUSH ? IoError.io(-1, "broken", null) : null;
    suspendAndResume();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    assertThat(onOrigin(24, 8)).isEqualTo(pattern('X', 24, 8));
    assertThat(onCow(2, 8)).isEqualTo(pattern('X', 24, 8));

    cow.fault = io -> null;
    origin.fault = io -> null;
    origin.log.clear();
    cow.log.clear();
    suspendAndResume();
    assertThat(origin.log).containsExactly("FLUSH 0+0");
    assertThat(cow.log).containsExactly("WRITE FUA 8+8");
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 16/1024 16");
    assertThat(onOrigin(24, 8)).isEqualTo(pattern('X', 24, 8));
    assertThat(onOrigin(40, 8)).isEqualTo(pattern('S', 40, 8));
  }

  /** The flush between copying and committing is held; the batch has been copied. */
  private BlockDevice mergeHeldAtFlush() throws TableException {
    origin.hold = io -> io.op() == Io.Op.FLUSH;
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(origin.held).hasSize(1);
    return m;
  }

  private byte[] onOrigin(int sector, int sectors) {
    return Arrays.copyOfRange(origin.bytes(), sector * 512, (sector + sectors) * 512);
  }

  private static byte[] pattern(char tag, int sector, int sectors) {
    byte[] bytes = new byte[sectors * 512];
    Bench.pattern(tag, sector, sectors).get(bytes);
    return bytes;
  }

  private byte[] onCow(int chunk, int sectors) {
    return Arrays.copyOfRange(cow.bytes(), chunk * 4096, chunk * 4096 + sectors * 512);
  }

  @Test
  void writesToWhatWasCopiedGoToBothDevicesAtOnce() throws TableException {
    BlockDevice m = mergeHeldAtFlush();
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    byte[] written = pattern('X', 24, 8);
    assertThat(onCow(2, 8)).isEqualTo(written); // what a power cut now would leave on the list
    assertThat(onOrigin(24, 8)).isEqualTo(written);
    Bench.Outcome discard = new Bench.Outcome();
    bench.run(m, Io.discard(40, 4, discard::end), discard);
    assertThat(discard.good()).isTrue();
    letGo();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 16/1024 16");
    assertThat(onOrigin(24, 8)).isEqualTo(written);
    assertThat(onOrigin(40, 4)).isEqualTo(new byte[4 * 512]);
    assertThat(onOrigin(44, 4)).isEqualTo(pattern('S', 44, 4));
  }

  /** Each device may carry two requests out in any order: so it must not have both. */
  @Test
  void writesToTheSameSectorsOfBothDevicesGoOneAfterTheOther() throws TableException {
    BlockDevice m = mergeHeldAtFlush();
    origin.hold = io -> io.op() != Io.Op.READ;
    Bench.Outcome first = bench.put(m, 'X', 24, 8);
    Bench.Outcome second = bench.put(m, 'Y', 28, 8); // half of it beside the store's chunk
    Bench.Outcome beside = bench.put(m, 'Z', 400, 1);
    assertThat(origin.held).hasSize(3); // the flush, the first, and the one beside
    cow.hold = io -> io.op() == Io.Op.WRITE;
    origin.hold = io -> false;
    origin.release();
    bench.scheduler.runToQuiescence();
    assertThat(first.done || second.done || beside.done).isFalse();
    cow.hold = io -> false;
    cow.release();
    bench.scheduler.runToQuiescence();
    assertThat(first.good() && second.good() && beside.good()).isTrue();
    assertThat(onOrigin(24, 4)).isEqualTo(pattern('X', 24, 4));
    assertThat(onOrigin(28, 8)).isEqualTo(pattern('Y', 28, 8));
  }

  /** After a restart the batch may be found merged or not: so both devices have what is written. */
  @Test
  void failedCommitKeepsBothDevicesEqual() throws TableException {
    cow.fault =
        io -> io.op() == Io.Op.WRITE && io.sector() == 8 ? IoError.io(8, "broken", null) : null;
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(bench.read(m, 24, sector()).good()).isTrue();
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    assertThat(bench.put(m, 'X', 800, 8).good()).isTrue();
    assertThat(onOrigin(24, 8)).isEqualTo(pattern('X', 24, 8));
    assertThat(onCow(2, 8)).isEqualTo(pattern('X', 24, 8));
  }

  @Test
  void invalidStoreLeavesTheLunWorking() throws TableException {
    RamDevice tiny = new RamDevice("tiny", 16);
    bench.add(tiny);
    BlockDevice s = bench.create("s", "0 2048 snapshot origin tiny P 8");
    bench.put(s, 'S', 0, 8);
    bench.remove("s");
    BlockDevice m = bench.create("m", "0 2048 snapshot-merge origin tiny P 8");
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Invalid");
    assertThat(bench.put(m, 'X', 0, 8).good()).isTrue();
    assertThat(bench.view(m)).isEqualTo(origin.bytes());
  }

  @Test
  void deadCowDeviceOfAnInvalidStoreIsNotAsked() throws TableException {
    RamDevice tiny = new RamDevice("tiny", 16);
    bench.add(tiny);
    BlockDevice s = bench.create("s", "0 2048 snapshot origin tiny P 8");
    bench.put(s, 'S', 0, 8);
    bench.remove("s");
    BlockDevice m = bench.create("m", "0 2048 snapshot-merge origin tiny P 8");
    tiny.fault = io -> IoError.io(0, "dead", null);
    tiny.limits(Limits.DEFAULT.withReadOnly(true));
    assertThat(bench.put(m, 'X', 0, 8).good()).isTrue();
    Bench.Outcome flush = new Bench.Outcome();
    assertThat(bench.run(m, Io.flush(flush::end), flush).good()).isTrue();
    assertThat(m.limits().readOnly()).isFalse();
  }

  @Test
  void deadCowDeviceFailsOnlyWhatGoesToIt() throws TableException {
    cow.limits(Limits.DEFAULT.withReadOnly(true));
    cow.fault = io -> io.sector() >= 16 ? IoError.io(0, "dead", null) : null;
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Merge failed");
    assertThat(m.limits().readOnly()).isFalse();
    assertThat(bench.put(m, 'X', 800, 8).good()).isTrue();
    assertThat(bench.put(m, 'X', 24, 8).good()).isFalse();
  }

  @Test
  void discardOfMergingChunksReadsAsZeros() throws TableException {
    cow.fault =
        io -> io.op() == Io.Op.READ && io.sector() >= 16 ? IoError.io(0, "held", null) : null;
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    cow.fault = io -> null;
    Bench.Outcome outcome = new Bench.Outcome();
    bench.run(m, Io.discard(16, 16, outcome::end), outcome);
    assertThat(outcome.good()).isTrue();
    ByteBuffer data = ByteBuffer.allocateDirect(16 * 512);
    bench.read(m, 16, data);
    assertThat(data).isEqualTo(ByteBuffer.allocate(16 * 512));
  }

  @Test
  void exceptionsOfManyAreasMergeInOneBatch() throws TableException {
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow2 P 1");
    for (long sector = 0; sector < 300; sector += 2) {
      bench.put(s, 'S', sector, 1);
    }
    byte[] view = bench.view(s);
    bench.remove("s");
    cow2.log.clear();
    bench.create("m", "0 2048 snapshot-merge origin cow2 P 1");
    bench.scheduler.runToQuiescence();
    assertThat(cow2.log.stream().filter(io -> io.startsWith("WRITE")))
        .containsExactly("WRITE FUA 1+1");
    assertThat(origin.bytes()).isEqualTo(view);
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 2/2048 2");
  }
}
