// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;

/** A merge and what happens to requests meanwhile. */
final class MergeTest extends ThreeChunkMerge {
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
    origin.hold(io -> false);
    assertThat(bench.put(m, 'X', 800, 8).good()).isTrue();
    letGo();
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 16/1024 16");
  }

  @Test
  void writeOnItsWayToTheCowDeviceIsMerged() throws TableException {
    // The other snapshot's copy keeps the batch open while the write is on its way.
    BlockDevice other = bench.create("s2", "0 2048 snapshot origin cow2 P 16");
    byte[] otherView = bench.view(other);
    cow2.hold(io -> io.op() == Io.Op.WRITE);
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    assertThat(cow2.held()).isNotEmpty();
    cow.hold(io -> io.op() == Io.Op.WRITE);
    Bench.Outcome write = bench.put(m, 'X', 24, 8);
    assertThat(cow.held()).hasSize(1);
    cow2.hold(io -> false);
    cow2.release();
    bench.scheduler.runToQuiescence();
    assertThat(origin.log()).contains("WRITE 40+8").noneMatch(io -> io.startsWith("WRITE 24+"));
    cow.hold(io -> false);
    cow.release();
    bench.scheduler.runToQuiescence();
    assertThat(write.good()).isTrue();
    assertThat(ByteBuffer.wrap(origin.bytes(), 24 * 512, 4096))
        .isEqualTo(Bench.pattern('X', 24, 8));
    assertThat(bench.view(other)).isEqualTo(otherView);
  }

  @Test
  void twoOtherSnapshotsOfOtherChunkSizesKeepTheirView() throws TableException {
    bench.add(new TestDevice("cow3", 4096));
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
    TestDevice large = new TestDevice("large", 32768);
    bench.add(large, new TestDevice("store", 32768));
    BlockDevice s = bench.create("s", "0 32768 snapshot large store P 64");
    long mebibyte = 1 << 20;
    bench.put(s, 'S', 0, 12 * mebibyte / 512);
    bench.remove("s");
    large.hold(io -> io.op() == Io.Op.WRITE);
    bench.create("m", "0 32768 snapshot-merge large store P 64");
    bench.scheduler.runToQuiescence();
    message("pause");
    large.hold(io -> false);
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
    var suspended = bench.mapper.suspend("m", SuspendMode.FLUSH).toCompletableFuture();
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
    origin.hold(io -> io.op() != Io.Op.READ);
    Bench.Outcome first = bench.put(m, 'X', 24, 8);
    Bench.Outcome second = bench.put(m, 'Y', 28, 8); // half of it beside the store's chunk
    Bench.Outcome beside = bench.put(m, 'Z', 400, 1);
    assertThat(origin.held()).hasSize(3); // the flush, the first, and the one beside
    cow.hold(io -> io.op() == Io.Op.WRITE);
    origin.hold(io -> false);
    origin.release();
    bench.scheduler.runToQuiescence();
    assertThat(first.done || second.done || beside.done).isFalse();
    cow.hold(io -> false);
    cow.release();
    bench.scheduler.runToQuiescence();
    assertThat(first.good() && second.good() && beside.good()).isTrue();
    assertThat(onOrigin(24, 4)).isEqualTo(pattern('X', 24, 4));
    assertThat(onOrigin(28, 8)).isEqualTo(pattern('Y', 28, 8));
  }

  @Test
  void discardOfMergingChunksReadsAsZeros() throws TableException {
    cow.fault(
        io -> io.op() == Io.Op.READ && io.sector() >= 16 ? IoError.io(0, "held", null) : null);
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    cow.fault(io -> null);
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
    cow2.clearLog();
    bench.create("m", "0 2048 snapshot-merge origin cow2 P 1");
    bench.scheduler.runToQuiescence();
    assertThat(cow2.log().stream().filter(io -> io.startsWith("WRITE")))
        .containsExactly(
            "WRITE FUA 1+1",
            "WRITE_ZEROES 133+1",
            "WRITE_ZEROES 100+1",
            "WRITE_ZEROES 67+1",
            "WRITE_ZEROES 34+1");
    assertThat(origin.bytes()).isEqualTo(view);
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge 2/2048 2");
  }

  /** Time that a merge of 512 scattered chunks takes on an origin of 1 ms. */
  private long mergeTime(Runnable others) throws TableException {
    TestDevice large = new TestDevice("large", 16384);
    bench.add(large, new TestDevice("store", 16384));
    BlockDevice s = bench.create("s", "0 16384 snapshot large store P 8");
    for (int chunk = 0; chunk < 512; chunk++) {
      bench.put(s, 'S', chunk * 16L, 8);
    }
    bench.remove("s");
    bench.create("slow", "0 16384 delay large 0 1");
    long begin = bench.scheduler.nanoTime();
    bench.create("m", "0 16384 snapshot-merge slow store P 8");
    while (!message("progress").startsWith("done")) {
      others.run();
      bench.scheduler.run(1);
    }
    return bench.scheduler.nanoTime() - begin;
  }

  @Test
  void aloneItDoesNotRest() throws TableException {
    // 512 copies, four at a time, 1 ms each
    assertThat(mergeTime(() -> {})).isLessThan(150_000_000);
  }

  @Test
  void restsWhileAnotherVolumeIsUsed() throws TableException {
    BlockDevice other = bench.create("other", "0 2048 snapshot-origin origin");
    ByteBuffer data = sector();
    long took = mergeTime(() -> other.submit(Io.read(0, data, (io, error) -> {})));
    assertThat(took).isGreaterThan(200_000_000);
  }

  /** Whoever ends a request that a copy waits for hears of its end before anything is copied. */
  @Test
  void copyThatWaitedBeginsOnTheSchedulerBehindTheEndOfTheRequest() throws TableException {
    BlockDevice other = bench.create("s2", "0 2048 snapshot origin cow2 P 16");
    assertThat(other.sectors()).isEqualTo(2048);
    cow2.hold(io -> io.op() == Io.Op.WRITE);
    BlockDevice m = bench.create("m", MERGE);
    bench.scheduler.runToQuiescence();
    cow.hold(io -> io.op() == Io.Op.WRITE);
    Bench.Outcome write = bench.put(m, 'X', 24, 8);
    cow2.hold(io -> false);
    cow2.release();
    bench.scheduler.runToQuiescence();
    cow.hold(io -> false);
    cow.clearLog();
    cow.release();
    assertThat(write.good()).isTrue();
    assertThat(cow.log()).isEmpty();
    bench.scheduler.runToQuiescence();
    assertThat(cow.log()).contains("READ 16+8");
  }
}
