// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.count.Counts;
import org.anabranch.block.testing.Counted;
import org.anabranch.block.testing.TestDevice;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * What is acknowledged when, in which order it goes down, and what becomes of it after failures.
 */
final class WriteCacheTest {
  private static final int SEGMENT = 8192;
  private static final BootId BOOT = new BootId(new UUID(1, 2));

  private final MemorySegment memory = Arena.ofAuto().allocate(Ring.bytes(4, SEGMENT), 64);
  private final TestDevice device = new TestDevice(256).pattern('O');
  private boolean delayed = true;
  private boolean space = true;
  private final WriteCache.Delays delays =
      new WriteCache.Delays() {
        @Override
        public boolean delaysWrite(long sector, long sectors) {
          return delayed;
        }

        @Override
        public boolean mayRefuse() {
          return !space;
        }

        @Override
        public boolean hasAccepted(long sector, long sectors) {
          return space;
        }
      };
  private final Counts counts = new Counts();
  private final WriteCache cache =
      new WriteCache(device, delays, Ring.open(memory, SEGMENT, BOOT).part("disk"), true, counts);

  /** The outcome of a request. */
  private static final class Outcome {
    boolean done;
    @Nullable IoError error;

    void end(Io io, @Nullable IoError how) {
      assertThat(done).isFalse();
      done = true;
      error = how;
    }

    void isGood() {
      assertThat(done).isTrue();
      assertThat(error).isNull();
    }

    void waits() {
      assertThat(done).isFalse();
    }

    void failed(IoError.Kind kind) {
      assertThat(done).isTrue();
      assertThat(error).isNotNull().extracting(IoError::kind).isEqualTo(kind);
    }
  }

  private static ByteBuffer data(char tag, long sector, int sectors) {
    ByteBuffer data = ByteBuffer.allocateDirect(sectors * 512);
    for (int i = 0; i < sectors; i++) {
      data.put(TestDevice.pattern(tag, sector + i));
    }
    return data.flip();
  }

  private Outcome write(char tag, long sector, int sectors) {
    return write(data(tag, sector, sectors), sector, false);
  }

  private Outcome write(ByteBuffer data, long sector, boolean fua) {
    Outcome outcome = new Outcome();
    cache.submit(Io.write(sector, data, fua, outcome::end));
    return outcome;
  }

  private Outcome read(long sector, ByteBuffer into) {
    Outcome outcome = new Outcome();
    cache.submit(Io.read(sector, into, outcome::end));
    return outcome;
  }

  private Outcome flush() {
    Outcome outcome = new Outcome();
    cache.submit(Io.flush(outcome::end));
    return outcome;
  }

  private char at(long sector) {
    return (char) device.bytes()[(int) sector * 512];
  }

  private int left() {
    return Ring.open(memory, SEGMENT, BOOT).leftovers("disk");
  }

  @Test
  void writeThatDoesNotWaitIsPassedOnAsItIs() {
    delayed = false;
    device.hold();
    ByteBuffer data = data('a', 8, 2);
    Outcome write = write(data, 8, false);
    write.waits();
    assertThat(device.held().getFirst().data()).isSameAs(data);
    assertThat(cache.inRing()).isZero();
    assertThat(left()).isZero();
    device.letGo();
    write.isGood();
    assertThat(Counted.moved(counts)).isEmpty();
  }

  @Test
  void writeThatWaitsIsAcknowledgedAndTheCopyGoesDown() {
    device.hold();
    ByteBuffer data = data('a', 8, 2);
    write(data, 8, false).isGood();
    assertThat(left()).isOne();
    data.put(0, new byte[1024]); // it is the sender's again
    assertThat(at(8)).isEqualTo('O');
    device.letGo();
    assertThat(at(8)).isEqualTo('a');
    assertThat(at(9)).isEqualTo('a');
    assertThat(cache.inRing()).isZero();
    assertThat(left()).isZero();
  }

  @Test
  void writeThatEndsAtOnceIsNotLeftInTheRing() {
    write('a', 8, 2).isGood();
    assertThat(at(8)).isEqualTo('a');
    assertThat(left()).isZero();
  }

  @Test
  void durableWriteIsNotAcknowledgedEarly() {
    device.hold();
    Outcome write = write(data('a', 8, 1), 8, true);
    write.waits();
    assertThat(device.log()).containsExactly("WRITE FUA 8+1");
    device.letGo();
    write.isGood();
  }

  @Test
  void writeThatMayLackSpaceIsNotAcknowledgedEarly() {
    space = false;
    device.hold();
    Outcome write = write('a', 8, 1);
    write.waits();
    device.fail(IoError.Kind.NO_SPACE, 8);
    device.letGo();
    write.failed(IoError.Kind.NO_SPACE);
    assertThat(cache.failure()).isNull();
    assertThat(left()).isZero();
    device.fail(null, 0);
    flush().isGood();
  }

  @Test
  void overlappingWritesGoDownInTheirOrder() {
    device.hold();
    write('a', 8, 4).isGood();
    write('b', 10, 4).isGood();
    write('c', 8, 1).isGood();
    write('d', 100, 1).isGood();
    assertThat(device.log()).containsExactly("WRITE 8+4", "WRITE 100+1");
    assertThat(left()).isEqualTo(4);
    device.serve(device.takeOldest());
    assertThat(device.log()).containsExactly("WRITE 8+4", "WRITE 100+1", "WRITE 10+4", "WRITE 8+1");
    device.letGo();
    assertThat("" + at(8) + at(9) + at(10) + at(13)).isEqualTo("cabb");
    assertThat(left()).isZero();
    assertThat(Counted.moved(counts))
        .containsOnly(
            Map.entry("cache acknowledged", 4L), Map.entry("cache acknowledged-bytes", 5120L));
  }

  /** Also writes that would not wait themselves. */
  @Test
  void everythingWaitsForWhatItOverlaps() {
    device.hold();
    write('a', 8, 4).isGood();
    delayed = false;
    ByteBuffer into = ByteBuffer.allocateDirect(1024);
    Outcome read = read(11, into);
    Outcome other = read(12, ByteBuffer.allocateDirect(512));
    Outcome durable = write(data('d', 11, 1), 11, true);
    Outcome discard = new Outcome();
    cache.submit(Io.discard(8, 1, discard::end));
    Outcome zeroes = new Outcome();
    cache.submit(Io.writeZeroes(9, 1, false, zeroes::end));
    Outcome status = new Outcome();
    cache.submit(Io.blockStatus(10, 3, status::end));
    assertThat(device.log()).containsExactly("WRITE 8+4", "READ 12+1");
    device.serve(device.takeOldest());
    assertThat(device.log())
        .containsExactly(
            "WRITE 8+4",
            "READ 12+1",
            "READ 11+2",
            "WRITE FUA 11+1",
            "DISCARD 8+1",
            "WRITE_ZEROES 9+1",
            "BLOCK_STATUS 10+3");
    device.letGo();
    for (Outcome each : new Outcome[] {read, other, durable, discard, zeroes, status}) {
      each.isGood();
    }
    assertThat((char) into.get(0)).isEqualTo('a');
    assertThat((char) into.get(512)).isEqualTo('O');
    assertThat(at(11)).isEqualTo('d');
  }

  @Test
  void flushWaitsForAllThatWasAcknowledgedBefore() {
    device.hold(io -> io.op() == Io.Op.WRITE);
    write('a', 8, 1).isGood();
    write('b', 8, 1).isGood(); // in the ring only
    Outcome flush = flush();
    write('c', 20, 1).isGood(); // after it
    flush.waits();
    assertThat(device.releaseOne()).isTrue(); // a
    flush.waits();
    assertThat(device.flushes()).isZero();
    device.serve(device.takeNewest()); // b
    flush.isGood();
    assertThat(device.flushes()).isOne();
    assertThat(cache.inRing()).isOne();
  }

  /** The ring has room for eight of these, two in each segment. */
  private void fill() {
    device.hold();
    for (int i = 0; i < 8; i++) {
      write('a', 8L * i, 7).isGood();
    }
  }

  @Test
  void fullRingLetsWritesWaitForRoom() {
    fill();
    Outcome ninth = write('b', 200, 7);
    Outcome overlapping = write('c', 0, 7);
    Outcome last = write('d', 100, 7);
    assertThat(device.releaseOne()).isTrue();
    ninth.waits(); // the other write of that segment has not ended
    assertThat(device.releaseOne()).isTrue();
    ninth.isGood();
    overlapping.isGood();
    last.waits(); // in their order
    assertThat(device.log()).hasSize(10).endsWith("WRITE 200+7", "WRITE 0+7");
    device.letGo();
    last.isGood();
    assertThat("" + at(0) + at(100) + at(200)).isEqualTo("cdb");
    assertThat(Counted.moved(counts)).contains(Map.entry("cache full", 3L));
    write('d', 0, 7).isGood();
    assertThat(left()).isZero();
  }

  @Test
  void whatNeedsNoRoomDoesNotWaitForIt() {
    fill();
    Outcome waiting = write('b', 200, 7);
    delayed = false;
    write('c', 220, 7).waits();
    write(data('d', 230, 1), 230, true).waits();
    read(200, ByteBuffer.allocateDirect(512)).waits();
    assertThat(device.log()).hasSize(11).endsWith("WRITE 220+7", "WRITE FUA 230+1", "READ 200+1");
    waiting.waits();
    device.letGo();
    waiting.isGood();
    assertThat(at(200)).isEqualTo('b');
  }

  /** Its own writes end some time, and others' may not. */
  @Test
  void ringThatOthersHaveFilledIsPassedBy() {
    Ring shared = Ring.open(memory, SEGMENT, BOOT);
    TestDevice others = new TestDevice(256);
    WriteCache first = new WriteCache(others, delays, shared.part("first"), true, counts);
    WriteCache second = new WriteCache(device, delays, shared.part("second"), true, counts);
    others.hold();
    for (int i = 0; i < 8; i++) {
      first.submit(Io.write(8L * i, data('a', 8L * i, 7), false, new Outcome()::end));
    }
    device.hold();
    Outcome passing = new Outcome();
    second.submit(Io.write(0, data('b', 0, 7), false, passing::end));
    passing.waits();
    assertThat(device.log()).containsExactly("WRITE 0+7");
    assertThat(second.inRing()).isZero();
    device.letGo();
    passing.isGood();
  }

  @Test
  void holdSendsDownWhatWaitsForRoom() {
    fill();
    Outcome one = write('b', 200, 7);
    Outcome other = write('c', 200, 7);
    CompletionStage<?> held = cache.hold();
    assertThat(device.releaseOne()).isTrue();
    assertThat(device.log()).hasSize(10).endsWith("WRITE 200+7", "WRITE 200+7");
    one.waits();
    other.waits();
    assertThat(held.toCompletableFuture()).isNotDone();
    device.letGo();
    assertThat(held.toCompletableFuture()).isDone();
    one.isGood();
    other.isGood();
  }

  @Test
  void whatWaitsForRoomIsRefusedAfterAFailure() {
    fill();
    Outcome waiting = write('b', 200, 7);
    device.failAt(8);
    assertThat(device.releaseOne()).isTrue();
    assertThat(device.releaseOne()).isTrue();
    assertThat(cache.failure()).isNotNull();
    waiting.failed(IoError.Kind.READ_ONLY);
    assertThat(device.log()).hasSize(8);
  }

  @Test
  void longWriteWaits() {
    device.hold();
    write('a', 0, 17).waits();
    assertThat(left()).isZero();
  }

  @Test
  void failureAfterTheAcknowledgementIsNotForgotten() {
    device.hold(io -> io.op() == Io.Op.WRITE);
    write('a', 8, 1).isGood();
    write('b', 20, 1).isGood();
    Outcome flush = flush();
    Outcome read = read(8, ByteBuffer.allocateDirect(512));
    Outcome durable = write(data('f', 8, 1), 8, true);
    device.failAt(8);
    assertThat(device.releaseOne()).isTrue();
    assertThat(cache.failure()).contains("was acknowledged").contains("injected");
    durable.failed(IoError.Kind.READ_ONLY);
    read.failed(IoError.Kind.IO);
    flush.waits();
    device.failAt(-1);
    assertThat(device.releaseOne()).isTrue(); // what is in the ring goes down all the same
    assertThat(at(20)).isEqualTo('b');
    flush.failed(IoError.Kind.IO);
    assertThat(device.flushes()).isZero();
    flush().failed(IoError.Kind.IO);
    write('c', 30, 1).failed(IoError.Kind.READ_ONLY);
    write(data('d', 30, 1), 30, true).failed(IoError.Kind.READ_ONLY);
    assertThat(cache.limits().readOnly()).isTrue();
    read(8, ByteBuffer.allocateDirect(512)).isGood();
  }

  @Test
  void holdEndsEarlyAcknowledgementsAndWaitsForThem() {
    device.hold();
    write('a', 8, 1).isGood();
    write('b', 8, 1).isGood();
    CompletionStage<?> held = cache.hold();
    Outcome later = write('c', 20, 1);
    Outcome overlapping = write('d', 8, 1);
    assertThat(held.toCompletableFuture()).isNotDone();
    assertThat(device.releaseOne()).isTrue();
    assertThat(held.toCompletableFuture()).isNotDone();
    device.serve(device.takeNewest()); // b
    assertThat(held.toCompletableFuture()).isDone();
    later.waits();
    overlapping.waits();
    assertThat(left()).isZero();
    cache.release();
    device.letGo();
    later.isGood();
    overlapping.isGood();
    device.hold();
    write('e', 8, 1).isGood();
  }

  @Test
  void replayMakesTheWritesAgainInTheirOrder() {
    device.hold();
    write('a', 8, 4).isGood();
    write('b', 10, 4).isGood();
    write('c', 8, 1).isGood();
    TestDevice next = new TestDevice(256);
    Ring ring = Ring.open(memory, SEGMENT, BOOT);
    next.hold();
    var replay = new Replay(ring, "disk", next).run().toCompletableFuture();
    assertThat(next.log()).containsExactly("WRITE 8+4");
    while (next.releaseOne()) {
      // The next one.
    }
    assertThat(replay.join()).isEqualTo(new Replay.Outcome(3, null));
    assertThat(next.log()).containsExactly("WRITE 8+4", "WRITE 10+4", "WRITE 8+1");
    assertThat((char) next.bytes()[8 * 512]).isEqualTo('c');
    assertThat((char) next.bytes()[10 * 512]).isEqualTo('b');
    assertThat(left()).isZero();
  }

  @Test
  void failedReplayIsKeptForTheNextStart() {
    device.hold();
    write('a', 8, 1).isGood();
    write('b', 20, 1).isGood();
    TestDevice next = new TestDevice(256);
    next.failAt(8);
    Ring ring = Ring.open(memory, SEGMENT, BOOT);
    Replay.Outcome outcome = new Replay(ring, "disk", next).run().toCompletableFuture().join();
    assertThat(outcome.count()).isOne();
    assertThat(outcome.error()).isNotNull();
    assertThat(left()).isEqualTo(2);
  }

  @Test
  void writesThatGoOnAllTheTimeAreBounded() {
    MemorySegment large = Arena.ofAuto().allocate(Ring.bytes(2, 4 << 20), 64);
    TestDevice disk = new TestDevice(8192);
    WriteCache over =
        new WriteCache(disk, delays, Ring.open(large, 4 << 20, BOOT).part("disk"), true, counts);
    disk.hold();
    Outcome last = new Outcome();
    for (int i = 0; i <= WriteCache.MAX_WRITES; i++) {
      last = new Outcome();
      over.submit(Io.write(i, data('a', i, 1), false, last::end));
    }
    last.waits();
    assertThat(over.inRing()).isEqualTo(WriteCache.MAX_WRITES);
  }
}
