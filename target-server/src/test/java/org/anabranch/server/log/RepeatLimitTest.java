// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.time.Duration;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.slf4j.MarkerFactory;

final class RepeatLimitTest {
  private static final String REFUSED = "{}: login refused: {}";

  private long now;
  private final RepeatLimit limit = new RepeatLimit(() -> now);

  private int admitted(int events, IntFunction<LoggingEvent> each) {
    int admitted = 0;
    for (int i = 0; i < events; i++) {
      admitted += limit.admits(each.apply(i)) ? 1 : 0;
    }
    return admitted;
  }

  private void pass(Duration time) {
    now += time.toNanos();
  }

  private static String text(RepeatLimit.Sum sum) {
    return sum.example().getFormattedMessage() + sum.suffix();
  }

  @Test
  void aFloodOfOnePeerLeavesAFewLinesAndASum() {
    assertThat(
            admitted(
                4300,
                i -> Events.from("127.0.0.1", Level.WARN, REFUSED, "127.0.0.1:" + i, "nix" + i)))
        .isEqualTo(RepeatLimit.MAX_WARNINGS);
    pass(RepeatLimit.WINDOW.minusMillis(1));
    assertThat(limit.take(false)).isEmpty();
    pass(Duration.ofMillis(1));
    assertThat(limit.take(false))
        .map(RepeatLimitTest::text)
        .containsExactly(
            "127.0.0.1:5: login refused: nix5"
                + " (and 4,294 more like it from 127.0.0.1 within 10 s)");
    assertThat(limit.isEmpty()).isTrue();
    assertThat(admitted(1, i -> Events.from("127.0.0.1", Level.WARN, REFUSED, "127.0.0.1:1", "x")))
        .as("in the next window")
        .isEqualTo(1);
  }

  @Test
  void anotherPeerAndAnotherMessageAreNotHeldBack() {
    admitted(100, i -> Events.from("192.0.2.1", Level.WARN, REFUSED, "a", "b"));
    assertThat(admitted(3, i -> Events.from("192.0.2.2", Level.WARN, REFUSED, "a", "b")))
        .isEqualTo(3);
    assertThat(admitted(3, i -> Events.from("192.0.2.1", Level.WARN, "{}: dropped", "a")))
        .isEqualTo(3);
    assertThat(admitted(30, i -> Events.from("192.0.2.1", Level.INFO, "{}: logged in", "a")))
        .isEqualTo(30);
  }

  @Test
  void errorsOfOneVolumeAreSummedUpAndThoseOfAnotherAreNot() {
    assertThat(admitted(10_000, i -> Events.event(Level.ERROR, "{}: write at {} failed", "vm1", i)))
        .isEqualTo(RepeatLimit.MAX_WARNINGS);
    assertThat(admitted(2, i -> Events.event(Level.ERROR, "{}: write at {} failed", "vm2", i)))
        .isEqualTo(2);
    assertThat(limit.take(true))
        .map(RepeatLimitTest::text)
        .containsExactly("vm1: write at 5 failed (and 9,994 more like it within 10 s)");
  }

  @Test
  void manyPeersTogetherAreLimited() {
    assertThat(
            admitted(100_000, i -> Events.from("198.51." + i, Level.WARN, REFUSED, "p" + i, "no")))
        .isEqualTo(RepeatLimit.MAX_WARNINGS * RepeatLimit.ALL_PEERS);
    pass(RepeatLimit.WINDOW);
    List<RepeatLimit.Sum> sums = limit.take(false);
    assertThat(sums.stream().mapToLong(sum -> sum.more() + 1).sum()).isEqualTo(99_900);
    assertThat(sums).hasSizeLessThan(3);
  }

  @Test
  void theTableIsBoundedAndRoomComesBack() {
    int kinds = 10 * RepeatLimit.MAX_KINDS;
    int admitted = admitted(kinds, i -> Events.event(Level.ERROR, "{}", "text " + i));
    assertThat(admitted)
        .isBetween(RepeatLimit.MAX_KINDS, RepeatLimit.MAX_KINDS + 5 * RepeatLimit.ALL_PEERS);
    pass(RepeatLimit.WINDOW);
    assertThat(admitted(1, i -> Events.event(Level.ERROR, "{}", "text " + kinds))).isEqualTo(1);
    assertThat(limit.take(true).stream().mapToLong(sum -> sum.more() + 1).sum())
        .isEqualTo(kinds - admitted);
  }

  @Test
  void whatComesAgainAfterTheTimeLeavesItsSum() {
    admitted(7, i -> Events.event(Level.WARN, "{}: slow", "vm1"));
    pass(RepeatLimit.WINDOW);
    assertThat(admitted(1, i -> Events.event(Level.WARN, "{}: slow", "vm1"))).isEqualTo(1);
    assertThat(limit.nanosToNext()).isZero();
    assertThat(limit.take(false))
        .map(RepeatLimitTest::text)
        .containsExactly("vm1: slow (and 1 more like it within 10 s)");
  }

  @Test
  void aSingleOneMoreIsWrittenAsItIs() {
    admitted(6, i -> Events.event(Level.WARN, "{}: slow", "vm1"));
    assertThat(limit.take(true)).map(RepeatLimitTest::text).containsExactly("vm1: slow");
  }

  @Test
  void whoDidWhatAndDebugAreNotLimited() {
    assertThat(admitted(1000, i -> Events.event(Level.DEBUG, "{}: x", "vm1"))).isEqualTo(1000);
    assertThat(
            admitted(
                1000,
                i -> {
                  LoggingEvent event = Events.event(Level.INFO, "uid {}: reload", 0);
                  event.addMarker(MarkerFactory.getMarker(LogLine.AUDIT));
                  return event;
                }))
        .isEqualTo(1000);
  }
}
