// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;

/** A snapshot and its origin, request by request. */
final class SnapshotTest {
  private final Bench bench = new Bench();
  private final TestDevice origin = new TestDevice("origin", 16384).pattern('O');
  private final TestDevice cow = new TestDevice("cow", 16384);

  SnapshotTest() {
    bench.add(origin, cow);
  }

  private BlockDevice snapshot(String how) throws TableException {
    return bench.create("s", "0 16384 snapshot origin cow " + how);
  }

  private BlockDevice origin() throws TableException {
    return bench.create("o", "0 16384 snapshot-origin origin");
  }

  @Test
  void largeRequestsAreMappedByRuns() throws TableException {
    BlockDevice s = snapshot("P 8");
    BlockDevice o = origin();
    cow.clearLog();
    origin.clearLog();
    assertThat(bench.put(o, 'W', 0, 512).good()).isTrue(); // 64 chunks
    assertThat(origin.log()).containsExactly("READ 0+512", "WRITE 0+512");
    assertThat(cow.log()).containsExactly("WRITE 16+512", "FLUSH 0+0", "WRITE FUA 8+8");
    cow.clearLog();
    origin.clearLog();
    ByteBuffer data = ByteBuffer.allocateDirect(1024 * 512);
    assertThat(bench.read(s, 0, data).good()).isTrue();
    assertThat(cow.log()).containsExactly("READ 16+512");
    assertThat(origin.log()).containsExactly("READ 512+512");
    assertThat(data).isEqualTo(Bench.pattern('O', 0, 1024));
  }

  @Test
  void writeOfPartialChunksCopiesOnlyThese() throws TableException {
    BlockDevice s = snapshot("P 8");
    origin.clearLog();
    byte[] view = bench.view(s);
    origin.clearLog();
    assertThat(bench.put(s, 'S', 3, 26).good()).isTrue();
    assertThat(origin.log()).containsExactlyInAnyOrder("READ 0+8", "READ 24+8");
    Bench.pattern('S', 3, 26).get(0, view, 3 * 512, 26 * 512);
    assertThat(bench.view(s)).isEqualTo(view);
  }

  @Test
  void readOfTheOriginHoldsBackWriteToIt() throws TableException {
    BlockDevice s = snapshot("P 8");
    BlockDevice o = origin();
    origin.hold(io -> io.op() == Io.Op.READ && io.sectors() == 4);
    ByteBuffer data = ByteBuffer.allocateDirect(4 * 512);
    Bench.Outcome read = bench.read(s, 2, data);
    Bench.Outcome write = bench.put(o, 'W', 0, 8);
    assertThat(read.done || write.done).isFalse();
    assertThat(bench.mapper.status("s")).isEqualTo("0 16384 snapshot 24/16384 16");
    // The exception is there: a new read goes to the COW device, a write to the snapshot, too.
    assertThat(bench.put(s, 'S', 6, 1).good()).isTrue();
    origin.hold(io -> false);
    origin.release();
    bench.scheduler.runToQuiescence();
    assertThat(read.good() && write.good()).isTrue();
    assertThat(data).isEqualTo(Bench.pattern('O', 2, 4));
  }

  @Test
  void originWriteIsCopiedForAllSnapshots() throws TableException {
    bench.add(new TestDevice("cow2", 16384), new TestDevice("cow3", 16384));
    List<BlockDevice> all = new ArrayList<>();
    all.add(snapshot("P 8"));
    all.add(bench.create("s2", "0 16384 snapshot origin cow2 P 1"));
    all.add(bench.create("s3", "0 16384 snapshot origin cow3 N 128"));
    byte[] view = bench.view(all.getFirst());
    BlockDevice o = origin();
    assertThat(bench.put(o, 'W', 37, 300).good()).isTrue();
    Bench.Outcome discard = new Bench.Outcome();
    bench.run(o, Io.discard(1000, 77, discard::end), discard);
    assertThat(discard.good()).isTrue();
    Bench.Outcome zeroes = new Bench.Outcome();
    bench.run(o, Io.writeZeroes(2000, 99, true, zeroes::end), zeroes);
    assertThat(zeroes.good()).isTrue();
    for (BlockDevice snapshot : all) {
      assertThat(bench.view(snapshot)).isEqualTo(view);
    }
    assertThat(ByteBuffer.wrap(origin.bytes(), 1000 * 512, 77 * 512))
        .isEqualTo(ByteBuffer.allocate(77 * 512));
  }

  @Test
  void copiesInFlightAreBounded() throws TableException {
    BlockDevice s = snapshot("P 1");
    BlockDevice o = origin();
    origin.hold(io -> io.op() == Io.Op.READ);
    List<Bench.Outcome> writes = new ArrayList<>();
    for (int i = 0; i < Bounds.DEFAULT.copies() + 500; i++) {
      writes.add(bench.put(o, 'W', 2L * i, 1));
    }
    assertThat(origin.held()).hasSize(Bounds.DEFAULT.copies());
    assertThat(bench.put(o, 'W', 0, 1).done).isFalse(); // waits for a pending one, not for a slot
    assertThat(bench.read(s, 5000, ByteBuffer.allocateDirect(512)).done).isFalse();
    Io read = origin.takeNewest();
    origin.hold(io -> false);
    origin.serve(read);
    origin.release();
    bench.scheduler.runToQuiescence();
    assertThat(writes).allMatch(Bench.Outcome::good);
    assertThat(bench.view(s)).isEqualTo(Bench.view(16384, 'O'));
  }

  /** However long a request is, it begins the copies for 4 MiB only, and goes on behind them. */
  @Test
  void copiesOfOneRequestAreBounded() throws TableException {
    BlockDevice s = snapshot("P 8");
    for (int chunk = 0; chunk < 1536; chunk += 2) { // no two missing ones beside each other
      bench.put(s, 'O', chunk * 8L, 8);
    }
    BlockDevice o = origin();
    origin.hold(io -> io.op() == Io.Op.READ);
    Bench.Outcome discard = new Bench.Outcome();
    bench.run(o, Io.discard(0, 12288, discard::end), discard);
    assertThat(origin.held()).hasSize(512);
    origin.release();
    bench.scheduler.runToQuiescence();
    assertThat(origin.held()).hasSize(256);
    assertThat(discard.done).isFalse();
    origin.hold(io -> false);
    origin.release();
    bench.scheduler.runToQuiescence();
    assertThat(discard.good()).isTrue();
    assertThat(ByteBuffer.wrap(origin.bytes(), 0, 12288 * 512))
        .isEqualTo(ByteBuffer.allocate(12288 * 512));
    assertThat(bench.view(s)).isEqualTo(Bench.view(16384, 'O'));
  }

  /** One that comes meanwhile wants copies of what the others have already. */
  @Test
  void snapshotThatComesDuringALongRequestGetsItsCopies() throws TableException {
    snapshot("P 8");
    BlockDevice o = origin();
    origin.hold(io -> io.op() == Io.Op.READ && io.sector() >= 8192);
    Bench.Outcome zeroes = new Bench.Outcome();
    bench.run(o, Io.writeZeroes(0, 12288, false, zeroes::end), zeroes);
    assertThat(zeroes.done).isFalse();
    bench.add(new TestDevice("cow2", 32768));
    BlockDevice late = bench.create("late", "0 16384 snapshot origin cow2 P 8");
    origin.hold(io -> false);
    origin.release();
    bench.scheduler.runToQuiescence();
    assertThat(zeroes.good()).isTrue();
    assertThat(bench.view(late)).isEqualTo(Bench.view(16384, 'O'));
  }

  @Test
  void writesToTheSnapshotBeyondTheBoundWait() throws TableException {
    BlockDevice s = snapshot("P 1");
    cow.hold(io -> io.op() == Io.Op.WRITE);
    List<Bench.Outcome> writes = new ArrayList<>();
    for (int i = 0; i < Bounds.DEFAULT.copies() + 10; i++) {
      writes.add(bench.put(s, 'S', 2L * i, 1));
    }
    assertThat(cow.held()).hasSize(Bounds.DEFAULT.copies());
    cow.hold(io -> false);
    cow.release();
    bench.scheduler.runToQuiescence();
    assertThat(writes).allMatch(Bench.Outcome::good);
  }

  @Test
  void storeThatGrowsIsNotFull() throws TableException {
    TestDevice small = new TestDevice("small", 24);
    bench.add(small);
    BlockDevice s = bench.create("s", "0 16384 snapshot origin small PO 8");
    assertThat(bench.put(s, 'S', 0, 8).good()).isTrue();
    long events = bench.mapper.info("s").eventNumber();
    assertThat(events).isPositive();
    small.grow(32);
    assertThat(bench.put(s, 'S', 8, 8).good()).isTrue();
    Bench.Outcome full = bench.put(s, 'S', 80, 8);
    assertThat(full.error).isNotNull().extracting(IoError::kind).isEqualTo(IoError.Kind.NO_SPACE);
    assertThat(bench.mapper.status("s")).isEqualTo("0 16384 snapshot Overflow");
    assertThat(bench.mapper.info("s").eventNumber()).isGreaterThan(events);
  }

  /** An area that can't be followed by another one is never filled: the list needs an end. */
  @Test
  void lastAreaKeepsItsEnd() throws TableException {
    for (int sectors = 34; sectors <= 36; sectors++) {
      TestDevice store = new TestDevice("store" + sectors, sectors);
      bench.add(store);
      BlockDevice s = bench.create("s", "0 16384 snapshot origin " + store.name() + " PO 1");
      int good = 0;
      while (bench.put(s, 'S', 2L * good, 1).good()) {
        good++;
      }
      assertThat(good).isEqualTo(sectors == 34 ? 31 : sectors - 3);
      byte[] view = bench.view(s);
      bench.remove("s");
      s = bench.create("s", "0 16384 snapshot origin " + store.name() + " PO 1");
      assertThat(bench.view(s)).isEqualTo(view);
      bench.remove("s");
    }
  }

  @Test
  void blockStatusIsThatOfTheDeviceBelow() throws TableException {
    BlockDevice s = snapshot("P 8");
    bench.put(s, 'S', 24, 16);
    origin.clearLog();
    cow.clearLog();
    Bench.Outcome outcome = new Bench.Outcome();
    Io first = Io.blockStatus(10, 1000, outcome::end);
    bench.run(s, first, outcome);
    assertThat(outcome.good()).isTrue();
    assertThat(first.statusSectors()).isEqualTo(14);
    assertThat(origin.log()).containsExactly("BLOCK_STATUS 10+14");
    Bench.Outcome second = new Bench.Outcome();
    bench.run(s, Io.blockStatus(25, 10, second::end), second);
    assertThat(cow.log()).containsExactly("BLOCK_STATUS 17+10");
  }

  @Test
  void failedCopyFromTheOriginInvalidatesAndTheOriginGoesOn() throws TableException {
    BlockDevice s = snapshot("P 8");
    BlockDevice o = origin();
    cow.fault(
        io -> io.op() == Io.Op.WRITE && io.sector() >= 16 ? IoError.io(16, "broken", null) : null);
    assertThat(bench.put(o, 'W', 0, 8).good()).isTrue();
    assertThat(bench.mapper.status("s")).isEqualTo("0 16384 snapshot Invalid");
    assertThat(bench.read(s, 800, ByteBuffer.allocateDirect(512)).good()).isFalse();
    assertThat(bench.put(o, 'W', 80, 8).good()).isTrue();
    bench.remove("s");
    cow.fault(io -> null);
    snapshot("P 8");
    assertThat(bench.mapper.status("s")).isEqualTo("0 16384 snapshot Invalid");
  }

  @Test
  void whatIsStaleBehindTheEndDoesNotComeBack() throws TableException {
    BlockDevice s = snapshot("P 8");
    bench.put(s, 'S', 0, 8);
    bench.remove("s");
    ByteBuffer records = ByteBuffer.wrap(cow.bytes()).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    for (int i = 2; i < 256; i++) { // a torn write left these
      records.putLong(4096 + 16 * i, 1000 + i).putLong(4096 + 16 * i + 8, 100 + i);
    }
    s = snapshot("P 8");
    byte[] view = bench.view(s);
    bench.put(s, 'S', 80, 8);
    Bench.pattern('S', 80, 8).get(0, view, 80 * 512, 4096);
    bench.remove("s");
    s = snapshot("P 8");
    assertThat(bench.mapper.status("s")).isEqualTo("0 16384 snapshot 32/16384 16");
    assertThat(bench.view(s)).isEqualTo(view);
  }

  @Test
  void changedChunksAreTold() throws TableException {
    BlockDevice s = snapshot("P 8");
    BlockDevice o = origin();
    bench.put(s, 'S', 80, 16);
    bench.put(o, 'W', 96, 8);
    bench.put(s, 'S', 8000, 8);
    bench.put(s, 'S', 800, 1);
    assertThat(changed("0", "10")).isEqualTo("chunk=8 next=-1\n10 3\n100 1\n1000 1");
    assertThat(changed("0", "2")).isEqualTo("chunk=8 next=1000\n10 3\n100 1");
    assertThat(changed("1000", "2")).isEqualTo("chunk=8 next=-1\n1000 1");
  }

  private String changed(String from, String most) throws TableException {
    return bench.await(bench.mapper.message("s", 0, List.of("changed", from, most)));
  }
}
