// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.rate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.anabranch.scsi.StepScheduler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rates, bursts and turns, in exact counts on a clock of its own. */
final class RateLimiterTest {
  private static final long MILLISECOND = 1_000_000;
  private static final long SECOND = 1000 * MILLISECOND;
  private static final long BURST = RateLimits.USUAL_BURST_NANOS;

  private final StepScheduler scheduler = new StepScheduler();
  private final RateLimiter limiter = new RateLimiter(scheduler);

  /** An initiator that keeps so many commands under way, each of which ends at once. */
  private final class Session {
    private final Object session;
    private final Traffic traffic;
    private final long bytes;
    private long done;
    private final List<Delayed> waiting = new ArrayList<>();

    Session(Traffic traffic, int depth, long bytes) {
      this(new Object(), traffic, depth, bytes);
    }

    /** Several of the same session. */
    Session(Object session, Traffic traffic, int depth, long bytes) {
      this.session = session;
      this.traffic = traffic;
      this.bytes = bytes;
      for (int i = 0; i < depth; i++) {
        next();
      }
    }

    private void next() {
      Delayed[] self = new Delayed[1];
      self[0] =
          new Delayed(
              limiter,
              session,
              traffic,
              bytes,
              () -> {
                waiting.remove(self[0]);
                done();
              });
      waiting.add(self[0]);
      if (limiter.enter(self[0])) {
        waiting.remove(self[0]);
        done();
      }
    }

    private void done() {
      done++;
      scheduler.execute(this::next);
    }
  }

  private static RateLimits commands(long total, long reads, long writes) {
    return new RateLimits(
        new RateLimits.PerSecond(total, reads, writes), RateLimits.PerSecond.UNLIMITED, BURST);
  }

  private static RateLimits bytes(long total) {
    return new RateLimits(
        RateLimits.PerSecond.UNLIMITED, new RateLimits.PerSecond(total, 0, 0), BURST);
  }

  private static long inASecond(StepScheduler scheduler, Session session) {
    long before = session.done;
    scheduler.advance(SECOND);
    return session.done - before;
  }

  @Test
  void aSecondHasTheBurstAndThenExactlyTheRate() {
    limiter.limits(commands(500, 0, 0));
    Session session = new Session(Traffic.READ, 32, 4096);
    scheduler.advance(SECOND);
    assertThat(session.done).as("50 saved up in 100 ms").isEqualTo(550);
    for (int i = 0; i < 10; i++) {
      assertThat(inASecond(scheduler, session)).isEqualTo(500);
    }
  }

  @Test
  void timeWithoutCommandsSavesUpNoMoreThanTheBurst() {
    limiter.limits(
        new RateLimits(
            new RateLimits.PerSecond(100, 0, 0), RateLimits.PerSecond.UNLIMITED, 3 * SECOND));
    scheduler.advance(60 * SECOND);
    Session session = new Session(Traffic.READ, 1000, 4096);
    scheduler.settle();
    assertThat(session.done).isEqualTo(300);
    scheduler.advance(SECOND);
    assertThat(session.done).isEqualTo(400);
  }

  @Test
  void bytesAreCountedAndLargeCommandsLeaveADebt() {
    long mebibyte = 1 << 20;
    limiter.limits(bytes(10 * mebibyte)); // one MiB is saved up in 100 ms
    Session session = new Session(Traffic.WRITE, 4, 4 * mebibyte);
    scheduler.advance(60 * SECOND);
    assertThat(session.done * 4).as("MiB in a minute").isBetween(600L, 604L);
  }

  @Test
  void commandsAndBytesHoldTogether() {
    limiter.limits(
        new RateLimits(
            new RateLimits.PerSecond(1000, 0, 0), new RateLimits.PerSecond(1 << 20, 0, 0), BURST));
    Session small = new Session(Traffic.READ, 8, 512);
    scheduler.advance(SECOND);
    assertThat(inASecond(scheduler, small)).as("commands").isEqualTo(1000);
  }

  @Test
  void highRatesNeedNoTimerForEachCommand() {
    limiter.limits(commands(100_000, 0, 0));
    Session session = new Session(Traffic.READ, 512, 4096);
    scheduler.advance(SECOND);
    assertThat(inASecond(scheduler, session)).isBetween(99_900L, 100_100L);
  }

  @Test
  void aSessionWithOneCommandAtATimeIsServedAsOftenAsOneWithMany() {
    limiter.limits(commands(1000, 0, 0));
    Session deep = new Session(Traffic.READ, 128, 4096);
    Session shallow = new Session(Traffic.READ, 1, 4096);
    scheduler.advance(SECOND);
    long deepBefore = deep.done;
    long before = shallow.done;
    scheduler.advance(10 * SECOND);
    assertThat(deep.done - deepBefore + shallow.done - before).isEqualTo(10_000);
    assertThat(shallow.done - before).isBetween(4_900L, 5_100L);
  }

  @Test
  void manySessionsOfDifferentDepthsGetTheSame() {
    limiter.limits(commands(1000, 0, 0));
    List<Session> sessions = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      sessions.add(new Session(Traffic.WRITE, i % 2 == 0 ? 64 : 1, 4096));
    }
    scheduler.advance(SECOND);
    long[] before = sessions.stream().mapToLong(session -> session.done).toArray();
    scheduler.advance(10 * SECOND);
    for (int i = 0; i < 20; i++) {
      assertThat(sessions.get(i).done - before[i]).as("session " + i).isBetween(490L, 510L);
    }
  }

  @Test
  void underALimitOfBytesTurnsAreOfBytes() {
    limiter.limits(bytes(100L << 20));
    Session large = new Session(Traffic.READ, 16, 1 << 20);
    Session small = new Session(Traffic.READ, 64, 65536);
    scheduler.advance(SECOND);
    long largeBefore = large.done;
    long smallBefore = small.done;
    scheduler.advance(10 * SECOND);
    assertThat((large.done - largeBefore) / 500.0).as("of 500 MiB").isBetween(0.95, 1.05);
    assertThat((small.done - smallBefore) / 8000.0).as("of 500 MiB").isBetween(0.95, 1.05);
  }

  @Test
  void aLimitOfWritesDelaysNoRead() {
    limiter.limits(commands(0, 0, 10));
    Session writer = new Session(Traffic.WRITE, 128, 4096);
    scheduler.advance(SECOND);
    Session reader = new Session(Traffic.READ, 1, 4096);
    for (int i = 0; i < 1000; i++) {
      scheduler.execute(() -> {}); // each turn of the loop lets one more read end
    }
    assertThat(reader.done).as("at once").isEqualTo(1);
    assertThat(writer.done).isEqualTo(11);
  }

  @Test
  void readsAndWritesHaveLimitsOfTheirOwnAndOneTogether() {
    limiter.limits(commands(1000, 800, 400));
    Session reader = new Session(Traffic.READ, 32, 4096);
    scheduler.advance(SECOND);
    assertThat(inASecond(scheduler, reader)).as("reads alone").isEqualTo(800);
    Session writer = new Session(Traffic.WRITE, 32, 4096);
    scheduler.advance(SECOND);
    long reads = reader.done;
    long writes = writer.done;
    scheduler.advance(10 * SECOND);
    assertThat(writer.done - writes + reader.done - reads).as("together").isEqualTo(10_000);
    assertThat((writer.done - writes) / 4000.0)
        .as("each has the same part of the limit that is tightest for it")
        .isCloseTo((reader.done - reads) / 8000.0, offset(0.01));
  }

  /** Those with one command at a time must ask again before they can be next: 2 in 100. */
  @Test
  void underMixedLimitsSessionsGetTheSame() {
    limiter.limits(commands(0, 1500, 500));
    List<Session> readers = new ArrayList<>();
    List<Session> writers = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      readers.add(new Session(Traffic.READ, 1 + i % 8, 4096));
      writers.add(new Session(Traffic.WRITE, 8 - i % 8, 4096));
    }
    scheduler.advance(SECOND);
    long[] read = readers.stream().mapToLong(session -> session.done).toArray();
    long[] written = writers.stream().mapToLong(session -> session.done).toArray();
    scheduler.advance(64 * SECOND);
    for (int i = 0; i < 32; i++) {
      assertThat(readers.get(i).done - read[i]).as("reader %d", i).isBetween(2940L, 3060L);
      assertThat(writers.get(i).done - written[i]).as("writer %d", i).isBetween(980L, 1020L);
    }
  }

  /** One reads as fast as it may; nine write, one of them with one command at a time. */
  @ParameterizedTest
  @ValueSource(longs = {0, 100_000})
  void whoReadsMuchDelaysNoWriterMoreThanOthers(long total) {
    limiter.limits(commands(total, 1500, 500));
    Session reader = new Session(Traffic.READ, 32, 4096);
    List<Session> writers = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      writers.add(new Session(Traffic.WRITE, i == 9 ? 1 : 8, 4096));
    }
    scheduler.advance(SECOND);
    long read = reader.done;
    long[] written = writers.stream().mapToLong(session -> session.done).toArray();
    scheduler.advance(10 * SECOND);
    assertThat(reader.done - read).isBetween(14_990L, 15_010L);
    for (int i = 0; i < 10; i++) {
      assertThat(writers.get(i).done - written[i]).as("writer %d", i).isBetween(490L, 510L);
    }
  }

  /** What a session reads takes nothing from what it may write. */
  @Test
  void readsAreNotCountedAgainstWrites() {
    limiter.limits(commands(0, 1500, 500));
    Object both = new Object();
    Session reads = new Session(both, Traffic.READ, 32, 4096);
    Session writes = new Session(both, Traffic.WRITE, 8, 4096);
    Session writer = new Session(Traffic.WRITE, 8, 4096);
    scheduler.advance(SECOND);
    long read = reads.done;
    long written = writes.done;
    long others = writer.done;
    scheduler.advance(10 * SECOND);
    assertThat(reads.done - read).isBetween(14_990L, 15_010L);
    assertThat(writes.done - written).isBetween(2_490L, 2_510L);
    assertThat(writer.done - others).isBetween(2_490L, 2_510L);
  }

  @Test
  void limitsChangeWhileCommandsWait() {
    limiter.limits(commands(1, 0, 0));
    Session session = new Session(Traffic.READ, 16, 4096);
    scheduler.advance(10 * SECOND);
    assertThat(session.done).isEqualTo(11);
    limiter.limits(commands(1000, 0, 0));
    assertThat(inASecond(scheduler, session)).as("nothing is saved up").isEqualTo(1000);
    limiter.limits(commands(10, 0, 0));
    assertThat(inASecond(scheduler, session)).isEqualTo(10);
    long done = session.done;
    assertThat(session.waiting).hasSize(16);
    limiter.limits(RateLimits.NONE);
    assertThat(session.done).as("all that waited").isEqualTo(done + 16);
    assertThat(limiter.isLimited()).isFalse();
    assertThat(limiter.waiting()).isZero();
  }

  @Test
  void whatIsReleasedGoesOnAtOnceAndTheRestInTurn() {
    limiter.limits(commands(1, 0, 0));
    Session one = new Session(Traffic.READ, 8, 4096);
    Session other = new Session(Traffic.READ, 8, 4096);
    scheduler.settle();
    long done = one.done;
    List.copyOf(one.waiting).forEach(Delayed::release);
    assertThat(one.done).isEqualTo(done + 8);
    long before = other.done;
    scheduler.advance(20 * SECOND);
    assertThat(other.done - before).isBetween(9L, 20L);
  }

  @Test
  void whatIsReleasedBeforeItEntersDoesNotWait() {
    limiter.limits(commands(1, 0, 0));
    limiter.enter(new Delayed(limiter, this, Traffic.READ, 512, () -> {}));
    Delayed released = new Delayed(limiter, this, Traffic.READ, 512, () -> {});
    released.release();
    assertThat(limiter.enter(released)).isTrue();
    assertThat(limiter.waiting()).isZero();
  }

  @Test
  void nothingIsLostInRandomHistories() {
    for (long seed = 0; seed < 300; seed++) {
      history(seed);
    }
  }

  private static void history(long seed) {
    Random random = new Random(seed);
    StepScheduler clock = new StepScheduler();
    RateLimiter limiter = new RateLimiter(clock);
    int[] goneOn = new int[1];
    int entered = 0;
    List<Delayed> all = new ArrayList<>();
    for (int step = 0; step < 200; step++) {
      switch (random.nextInt(5)) {
        case 0 -> clock.advance(random.nextLong(SECOND));
        case 1 -> {
          if (!all.isEmpty()) {
            all.get(random.nextInt(all.size())).release();
          }
        }
        case 2 -> limiter.limits(random.nextInt(4) == 0 ? RateLimits.NONE : any(random));
        default -> {
          Traffic traffic = random.nextBoolean() ? Traffic.READ : Traffic.WRITE;
          Delayed next =
              new Delayed(
                  limiter, random.nextInt(5), traffic, random.nextInt(1 << 20), () -> goneOn[0]++);
          all.add(next);
          entered++;
          if (limiter.enter(next)) {
            goneOn[0]++;
          }
        }
      }
      assertThat(goneOn[0] + limiter.waiting())
          .as("seed %d, step %d", seed, step)
          .isEqualTo(entered);
    }
    clock.advance(100_000 * SECOND);
    assertThat(goneOn[0]).as("seed %d", seed).isEqualTo(entered);
  }

  private static RateLimits any(Random random) {
    return new RateLimits(
        new RateLimits.PerSecond(
            random.nextInt(3) * 10L, random.nextInt(3) * 10L, random.nextInt(3) * 10L),
        new RateLimits.PerSecond(random.nextInt(3) * 100_000L, 0, random.nextInt(3) * 100_000L),
        1 + random.nextLong(SECOND));
  }
}
