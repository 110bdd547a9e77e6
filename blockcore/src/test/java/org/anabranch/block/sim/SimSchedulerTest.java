// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

final class SimSchedulerTest {
  private static String order(long seed) {
    SimScheduler scheduler = new SimScheduler(seed);
    StringBuilder text = new StringBuilder();
    for (char c = 'a'; c <= 'd'; c++) {
      char letter = c;
      scheduler.execute(() -> text.append(letter));
    }
    scheduler.runToQuiescence();
    return text.toString();
  }

  @Test
  void seedDecidesTheOrder() {
    Set<String> orders = new HashSet<>();
    for (long seed = 0; seed < 500; seed++) {
      orders.add(order(seed));
      assertThat(order(seed)).isEqualTo(order(seed));
    }
    assertThat(orders).as("all permutations of four").hasSize(24);
  }

  @Test
  void timersWaitAndCanBeCancelled() {
    SimScheduler scheduler = new SimScheduler(1);
    List<Long> times = new ArrayList<>();
    scheduler.schedule(() -> times.add(scheduler.nanoTime()), 2_000_000_000L);
    scheduler.schedule(() -> times.add(scheduler.nanoTime()), 1_000);
    scheduler.schedule(() -> times.add(-1L), 500).cancel();
    scheduler.runToQuiescence();
    assertThat(times).containsExactly(1_000L, 2_000_000_000L);
  }

  @Test
  void stuckRunSaysWhoWaits() {
    SimScheduler scheduler = new SimScheduler(1);
    scheduler.describe(() -> "somebody waits for Godot");
    assertThatThrownBy(() -> scheduler.await(new CompletableFuture<String>(), "an answer"))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("an answer")
        .hasMessageContaining("Godot");
  }

  @Test
  void failureOfAStageIsHandedOn() {
    SimScheduler scheduler = new SimScheduler(1);
    CompletableFuture<String> stage = new CompletableFuture<>();
    scheduler.execute(() -> stage.completeExceptionally(new IllegalStateException("no")));
    assertThatThrownBy(() -> scheduler.await(stage, "it"))
        .isInstanceOf(ExecutionException.class)
        .hasRootCauseMessage("no");
  }

  @Test
  void failureIsNotLostWhenSomebodyCatchesEverything() {
    SimScheduler scheduler = new SimScheduler(1);
    scheduler.execute(() -> scheduler.fail(new AssertionError("broken")));
    assertThatThrownBy(scheduler::runToQuiescence).hasMessage("broken");
  }

  @Test
  void powerCutEndsTheRunAtTheEventAskedFor() {
    SimScheduler scheduler = new SimScheduler(1);
    List<Integer> ran = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      int number = i;
      scheduler.schedule(() -> ran.add(number), i);
    }
    scheduler.cutPowerAfter(3);
    assertThatThrownBy(scheduler::runToQuiescence).isInstanceOf(SimScheduler.PowerCut.class);
    assertThatThrownBy(scheduler::step).isInstanceOf(SimScheduler.PowerCut.class);
    assertThat(ran).containsExactly(0, 1, 2);
  }

  @Test
  void choicesGoThroughEveryAnswer() {
    Choices choices = Choices.exhaustive(10, new SplittableRandom(1));
    List<String> seen = new ArrayList<>();
    do {
      int first = choices.next(3);
      seen.add(first == 1 ? "1" : first + "" + choices.next(2));
    } while (choices.another());
    assertThat(seen).containsExactly("00", "01", "1", "20", "21");
  }
}
