// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How often the uses are written while initiators log in without end. */
final class UseRecorderTest {
  /** A task that runs at a time. */
  private record Due(long at, Runnable task) {}

  private static final long COST = Duration.ofMillis(20).toNanos();

  @TempDir Path folder;
  private final List<Due> due = new ArrayList<>();
  private long time;
  private long processor;
  private long version;
  private int writes;
  private UseRecorder recorder;

  @BeforeEach
  void open() {
    recorder =
        new UseRecorder(
            new UseFile(folder),
            (delay, task) -> due.add(new Due(time + delay, task)),
            new WritePace(() -> time, () -> processor),
            () -> {
              writes++;
              processor += COST;
              time += COST;
              return new UseRecorder.Moment(version, RecordedUses.NONE);
            });
  }

  /** Runs what is due until then. */
  private void until(long end) {
    while (due.stream().anyMatch(each -> each.at <= end)) {
      Due first = due.stream().min(Comparator.comparingLong(Due::at)).orElseThrow();
      due.remove(first);
      time = Math.max(time, first.at);
      first.task.run();
    }
    time = Math.max(time, end);
  }

  /** The time until a new login is durable. */
  private Duration login() {
    long begin = time;
    CompletableFuture<?> durable = recorder.durable(++version).toCompletableFuture();
    while (!durable.isDone()) {
      until(due.stream().mapToLong(Due::at).min().orElseThrow());
    }
    durable.join();
    return Duration.ofNanos(time - begin);
  }

  @Test
  void aHostWithManyTargetsDoesNotWait() {
    for (int i = 0; i < 45; i++) {
      assertThat(login()).isEqualTo(Duration.ofNanos(COST));
    }
  }

  @Test
  void aFloodGetsATenthOfAProcessorAndAnAnswerWithinASecond() {
    for (int i = 0; i < 120; i++) {
      login();
    }
    int before = writes;
    long begin = time;
    for (int i = 0; i < 100; i++) {
      assertThat(login()).isLessThanOrEqualTo(WritePace.MOST.plusNanos(COST));
    }
    assertThat((writes - before) * COST)
        .as("processor time of %s writes in %s", writes - before, Duration.ofNanos(time - begin))
        .isLessThanOrEqualTo((time - begin) / 9);
  }

  @Test
  void oneWriteServesAllWhoWait() {
    for (int i = 0; i < 120; i++) {
      login();
    }
    int before = writes;
    List<CompletableFuture<?>> logins = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      logins.add(recorder.durable(++version).toCompletableFuture());
    }
    until(time + WritePace.MOST.toNanos());
    assertThat(logins).allMatch(CompletableFuture::isDone);
    assertThat(writes - before).isLessThanOrEqualTo(2);
  }

  /** Logouts and lost connections, for which nobody waits. */
  @Test
  void otherChangesLeaveTimeForLogins() {
    long end = time + Duration.ofSeconds(60).toNanos();
    while (time < end) {
      version++;
      recorder.soon();
      until(time + Duration.ofMillis(1).toNanos());
    }
    assertThat(writes * COST)
        .as("processor time of %s writes in a minute", writes)
        .isLessThanOrEqualTo(time / 10 + WritePace.BURST.toNanos() / 2 + COST);
    assertThat(login()).isLessThanOrEqualTo(Duration.ofNanos(2 * COST));
  }
}
