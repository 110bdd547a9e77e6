// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.block.testing.Await;
import org.junit.jupiter.api.Test;

/** Some of those that are asked hang. */
final class LastAnswersTest {
  private final LastAnswers<String, Integer> answers = new LastAnswers<>("test");
  private final CountDownLatch thaw = new CountDownLatch(1);
  private final AtomicInteger begun = new AtomicInteger();

  private Integer hang() {
    begun.incrementAndGet();
    try {
      thaw.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return 7;
  }

  @Test
  void whoHangsIsAskedOnceAndWhatItSaidLastCounts() throws Exception {
    assertThat(answers.of(Map.of("a", () -> 1, "b", () -> 2))).isEqualTo(Map.of("a", 1, "b", 2));
    Map<String, LastAnswers.Question<Integer>> now = Map.of("a", () -> 3, "b", this::hang);
    for (int i = 0; i < 3; i++) {
      long begin = System.nanoTime();
      assertThat(answers.of(now)).isEqualTo(Map.of("a", 3, "b", 2));
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(60));
    }
    assertThat(begun).hasValue(1);
    thaw.countDown();
    Await.until("it answers", () -> answers.of(now).containsValue(7));
  }

  @Test
  void threadsAreBoundedAndNothingIsForgotten() throws Exception {
    Map<String, LastAnswers.Question<Integer>> many = new HashMap<>();
    for (int i = 0; i < 3 * LastAnswers.THREADS; i++) {
      many.put("hangs " + i, this::hang);
    }
    assertThat(answers.of(many)).isEmpty();
    assertThat(begun).hasValue(LastAnswers.THREADS);
    thaw.countDown();
    Await.until("all have answered", () -> answers.of(many).size() == many.size());
  }

  @Test
  void whatIsNotKnownOrFailsIsLeftOut() {
    assertThat(answers.of(Map.of("a", () -> 1, "b", () -> 2))).hasSize(2);
    Map<String, LastAnswers.Question<Integer>> now =
        Map.of(
            "a",
            () -> null,
            "b",
            () -> {
              throw new IllegalStateException("the test's");
            });
    assertThat(answers.of(now)).isEmpty();
    assertThat(answers.of(Map.of("c", () -> 5))).isEqualTo(Map.of("c", 5));
  }
}
