// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The checker must be able to fail: every rule has a read that breaks it. */
final class SectorHistoryTest {
  private static final long NO_READ = Long.MAX_VALUE;

  private final SectorHistory sector = new SectorHistory(0);

  private SectorHistory.Entry write(long value, long begin, long end) {
    SectorHistory.Entry entry = sector.begin(value, begin);
    sector.end(entry, true, false, end, NO_READ);
    return entry;
  }

  @Test
  void readAfterAWriteSeesIt() {
    write(7, 1, 2);
    assertThat(sector.read(0, 3, 4)).isFalse();
    assertThat(sector.read(7, 3, 4)).isTrue();
    assertThat(sector.read(8, 3, 4)).isFalse();
  }

  @Test
  void readBesideAWriteSeesEither() {
    sector.begin(7, 1);
    assertThat(sector.read(0, 2, 3)).isTrue();
    assertThat(sector.read(7, 2, 4)).isTrue();
  }

  @Test
  void whatWasSeenIsNotUnseen() {
    sector.begin(7, 1);
    assertThat(sector.read(7, 2, 3)).isTrue();
    assertThat(sector.read(0, 4, 5)).isFalse();
  }

  @Test
  void writesAtTheSameTimeMayEndInAnyOrder() {
    SectorHistory.Entry a = sector.begin(7, 1);
    SectorHistory.Entry b = sector.begin(8, 2);
    sector.end(a, true, false, 3, NO_READ);
    sector.end(b, true, false, 4, NO_READ);
    assertThat(sector.read(0, 5, 6)).isFalse();
    assertThat(sector.read(7, 5, 6)).isTrue();
  }

  @Test
  void failedWriteMayOrMayNotHaveBeenDone() {
    sector.end(sector.begin(7, 1), false, false, 2, NO_READ);
    assertThat(sector.read(0, 3, 4)).isTrue();
    assertThat(sector.read(7, 5, 6)).isTrue();
    assertThat(sector.read(0, 7, 8)).isFalse();
  }

  @Test
  void powerCutLeavesAnyWriteSinceTheLastDurableOne() {
    write(7, 1, 2);
    sector.flushed(3, false);
    write(8, 4, 5);
    write(9, 6, 7);
    sector.powerCut(8);
    assertThat(sector.read(0, 9, 10)).isFalse();
    assertThat(sector.read(8, 9, 10)).isTrue();
    assertThat(sector.read(9, 11, 12)).as("the medium holds one of them").isFalse();
    sector.powerCut(13);
    assertThat(sector.read(7, 14, 15)).isFalse();
    assertThat(sector.read(8, 14, 15)).isTrue();
  }

  @Test
  void flushDoesNotCountForAWriteThatEndedAfterItsBegin() {
    write(7, 1, 4);
    sector.flushed(3, false);
    sector.powerCut(8);
    assertThat(sector.read(0, 9, 10)).isTrue();
  }

  @Test
  void fuaWriteSurvives() {
    sector.end(sector.begin(7, 1), true, true, 2, NO_READ);
    sector.powerCut(3);
    assertThat(sector.read(0, 4, 5)).isFalse();
    assertThat(sector.read(7, 4, 5)).isTrue();
  }

  @Test
  void snapshotSharesThePastAndNotTheFuture() {
    write(7, 1, 2);
    SectorHistory snapshot = sector.fork();
    write(8, 3, 4);
    assertThat(snapshot.read(8, 5, 6)).isFalse();
    assertThat(snapshot.read(7, 5, 6)).isTrue();
    snapshot.flushed(7, false);
    SectorHistory flushed = snapshot.fork();
    flushed.flushed(8, true);
    snapshot.powerCut(9);
    flushed.powerCut(9);
    assertThat(snapshot.read(0, 10, 11)).as("its own flush is not the origin's").isTrue();
    assertThat(flushed.read(0, 10, 11)).isFalse();
  }

  @Test
  void failedFlushIsNotMadeGoodByTheNext() {
    write(7, 1, 2);
    sector.lose(false);
    sector.flushed(4, false);
    SectorHistory other = sector.fork();
    other.powerCut(5);
    assertThat(other.read(0, 6, 7)).isTrue();
    write(8, 5, 6);
    sector.flushed(7, false);
    sector.powerCut(8);
    assertThat(sector.read(7, 9, 10)).isFalse();
  }
}
