// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import static org.assertj.core.api.Assertions.assertThat;

import org.anabranch.initiator.history.BlockHistory.Mark;
import org.anabranch.initiator.history.BlockHistory.Write;
import org.junit.jupiter.api.Test;

/** Which reads are right: each rule of {@link BlockHistory} from both sides. */
final class BlockHistoryTest {
  private final BlockHistory history = new BlockHistory(4, false);

  private static Write write(BlockHistory history) {
    Write write = history.beginWrite(0, 1, false);
    history.ended(write);
    return write;
  }

  private static boolean reads(BlockHistory history, long value) {
    return history.endRead(history.beginRead(), 0, new long[] {value}) < 0;
  }

  @Test
  void blankUntilWritten() {
    assertThat(reads(history, 0)).isTrue();
    assertThat(reads(history, 1)).isFalse();
    Write write = write(history);
    assertThat(reads(history, 0)).isFalse();
    assertThat(reads(history, write.value())).isTrue();
  }

  @Test
  void aReadBesideAWriteMaySeeEither() {
    Write old = write(history);
    Write under = history.beginWrite(0, 1, false);
    Mark a = history.beginRead();
    Mark b = history.beginRead();
    history.ended(under);
    assertThat(history.endRead(a, 0, new long[] {old.value()})).isNegative();
    assertThat(history.endRead(b, 0, new long[] {under.value()})).isNegative();
    assertThat(reads(history, old.value())).isFalse();
  }

  @Test
  void aReadThatBeganBeforeAWriteMaySeeIt() {
    Mark read = history.beginRead();
    Write write = write(history);
    assertThat(history.endRead(read, 0, new long[] {write.value()})).isNegative();
  }

  @Test
  void whatWasReplacedBeforeTheReadBeganIsGone() {
    Write first = write(history);
    Write second = write(history);
    Mark read = history.beginRead();
    Write third = write(history);
    assertThat(history.endRead(read, 0, new long[] {first.value()})).isZero();
    assertThat(reads(history, second.value())).isFalse();
    assertThat(reads(history, third.value())).isTrue();
  }

  @Test
  void twoWritesAtOnceMayEndInEitherOrderButOnlyInOne() {
    Write a = history.beginWrite(0, 1, false);
    Write b = history.beginWrite(0, 1, false);
    history.ended(a);
    history.ended(b);
    assertThat(reads(history, a.value())).isTrue();
    assertThat(reads(history, b.value())).as("a read saw the other one already").isFalse();
    assertThat(reads(history, a.value())).isTrue();
  }

  @Test
  void noReadGoesBackBehindAnEarlierOne() {
    Write old = write(history);
    Write under = history.beginWrite(0, 1, false);
    assertThat(reads(history, old.value())).isTrue();
    assertThat(reads(history, under.value())).isTrue();
    assertThat(reads(history, old.value())).as("the new value was there").isFalse();
    history.ended(under);
    assertThat(reads(history, under.value())).isTrue();
  }

  /** A read that began early and ended late says nothing about what is there at its end. */
  @Test
  void aLongReadOfTheOldValueDoesNotBringItBack() {
    Write old = write(history);
    Mark slow = history.beginRead();
    Write next = write(history);
    assertThat(history.endRead(slow, 0, new long[] {old.value()})).isNegative();
    assertThat(reads(history, old.value())).isFalse();
    assertThat(reads(history, next.value())).isTrue();
  }

  @Test
  void aFailedWriteMayHaveHappenedUntilSomethingShows() {
    Write old = write(history);
    Write failed = history.beginWrite(0, 1, false);
    history.failed(failed);
    assertThat(reads(history, failed.value())).isTrue();
    assertThat(reads(history, old.value())).isFalse();
    Write next = write(history);
    assertThat(reads(history, failed.value())).isFalse();
    assertThat(reads(history, next.value())).isTrue();
  }

  @Test
  void aLostWriteHappensBeforeTheNextLoginOrNever() {
    Write old = write(history);
    Write lost = history.beginWrite(0, 1, false);
    history.reconnected();
    history.failed(lost);
    assertThat(reads(history, old.value())).isTrue();
    assertThat(reads(history, lost.value())).as("it would have come after the login").isFalse();
  }

  @Test
  void blocksAreJudgedEachForItself() {
    Write wide = history.beginWrite(0, 4, false);
    history.ended(wide);
    Write narrow = history.beginWrite(2, 1, false);
    history.ended(narrow);
    long w = wide.value();
    long n = narrow.value();
    assertThat(history.endRead(history.beginRead(), 0, new long[] {w, w, n, w})).isNegative();
    assertThat(history.endRead(history.beginRead(), 0, new long[] {w, w, w, w})).isEqualTo(2);
    assertThat(history.endRead(history.beginRead(), 1, new long[] {w, n, n})).isEqualTo(3);
  }

  @Test
  void discardsAreZerosOrNothing() {
    Write write = write(history);
    history.ended(history.beginDiscard(0, 1, true));
    assertThat(reads(history, write.value())).isFalse();
    assertThat(reads(history, 0)).isTrue();
    Write again = write(history);
    history.ended(history.beginDiscard(0, 1, false));
    assertThat(reads(history, again.value())).isTrue();
  }

  @Test
  void aCrashForgetsAtMostWhatWasNotFlushed() {
    BlockHistory crashing = new BlockHistory(1, true);
    Write lost = write(crashing);
    Write flushed = write(crashing);
    crashing.flushed(crashing.beginFlush());
    Write later = write(crashing);
    Write latest = write(crashing);
    assertThat(reads(crashing, latest.value())).isTrue();
    crashing.crashed();
    assertThat(reads(crashing, lost.value())).isFalse();
    assertThat(reads(crashing, 0)).isFalse();
    assertThat(reads(crashing, flushed.value())).isTrue();
    assertThat(reads(crashing, later.value())).as("read as the flushed one before").isFalse();
    assertThat(reads(crashing, flushed.value())).isTrue();
  }

  @Test
  void afterACrashAnUnflushedWriteMayBeThere() {
    for (int survivor = 0; survivor < 3; survivor++) {
      BlockHistory crashing = new BlockHistory(1, true);
      long[] values = {0, write(crashing).value(), write(crashing).value()};
      crashing.crashed();
      assertThat(reads(crashing, values[survivor])).isTrue();
      assertThat(reads(crashing, values[(survivor + 1) % 3])).isFalse();
    }
  }

  @Test
  void aFlushCoversOnlyWhatHadEndedBeforeItBegan() {
    BlockHistory crashing = new BlockHistory(1, true);
    Write under = crashing.beginWrite(0, 1, false);
    Mark flush = crashing.beginFlush();
    crashing.ended(under);
    crashing.flushed(flush);
    crashing.crashed();
    assertThat(reads(crashing, 0)).isTrue();
  }

  @Test
  void fuaSurvives() {
    BlockHistory crashing = new BlockHistory(1, true);
    Write through = crashing.beginWrite(0, 1, true);
    crashing.ended(through);
    crashing.crashed();
    assertThat(reads(crashing, 0)).isFalse();
    assertThat(reads(crashing, through.value())).isTrue();
  }

  @Test
  void whatWasSeenBeforeACrashProvesNothingAfterIt() {
    BlockHistory crashing = new BlockHistory(1, true);
    Write unflushed = write(crashing);
    Mark read = crashing.beginRead();
    crashing.crashed();
    assertThat(crashing.endRead(read, 0, new long[] {unflushed.value()})).isNegative();
    assertThat(reads(crashing, 0)).isTrue();
  }

  @Test
  void askingForAFlushBoundsWhatIsKept() {
    BlockHistory crashing = new BlockHistory(1, true);
    for (int i = 0; i < 255; i++) {
      assertThat(crashing.flushDue()).isFalse();
      write(crashing);
    }
    assertThat(crashing.flushDue()).isTrue();
    crashing.flushed(crashing.beginFlush());
    Write last = write(crashing);
    assertThat(crashing.flushDue()).isFalse();
    assertThat(reads(crashing, last.value())).isTrue();
    for (int i = 0; i < 10_000; i++) {
      write(history);
      assertThat(history.flushDue()).isFalse();
    }
  }
}
