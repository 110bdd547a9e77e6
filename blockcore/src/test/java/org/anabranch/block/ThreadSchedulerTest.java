// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class ThreadSchedulerTest {
  @Test
  void runsTasksInOrderOnItsThread() throws Exception {
    try (ThreadScheduler scheduler = new ThreadScheduler("role")) {
      List<String> ran = new ArrayList<>();
      CountDownLatch last = new CountDownLatch(1);
      scheduler.execute(() -> {
        scheduler.execute(() -> ran.add("second " + Thread.currentThread().getName()));
        scheduler.execute(() -> ran.add("third"));
        scheduler.execute(last::countDown);
        ran.add("first");
      });
      assertThat(last.await(30, TimeUnit.SECONDS)).isTrue();
      assertThat(ran).containsExactly("first", "second role", "third");
    }
  }

  @Test
  void survivesATaskThatThrows() throws Exception {
    try (ThreadScheduler scheduler = new ThreadScheduler("role")) {
      CountDownLatch after = new CountDownLatch(1);
      scheduler.execute(() -> {
        throw new IllegalStateException("on purpose");
      });
      scheduler.execute(after::countDown);

      assertThat(after.await(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void aTimerFiresNotBeforeItsTime() throws Exception {
    try (ThreadScheduler scheduler = new ThreadScheduler("role")) {
      CountDownLatch fired = new CountDownLatch(1);
      long delay = TimeUnit.MILLISECONDS.toNanos(30);
      long begin = scheduler.nanoTime();
      long[] at = new long[1];
      scheduler.schedule(
          () -> {
            at[0] = scheduler.nanoTime();
            fired.countDown();
          },
          delay);

      assertThat(fired.await(30, TimeUnit.SECONDS)).isTrue();
      assertThat(at[0] - begin).isGreaterThanOrEqualTo(delay);
    }
  }

  @Test
  void aCancelledTimerNeverFires() throws Exception {
    try (ThreadScheduler scheduler = new ThreadScheduler("role")) {
      CountDownLatch go = new CountDownLatch(1);
      CountDownLatch after = new CountDownLatch(1);
      List<String> ran = new ArrayList<>();
      scheduler.execute(() -> {
        try {
          go.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      });
      scheduler.schedule(() -> ran.add("kept"), 0);
      scheduler.schedule(() -> ran.add("cancelled"), 0).cancel();
      scheduler.execute(after::countDown);

      go.countDown();

      assertThat(after.await(30, TimeUnit.SECONDS)).isTrue();
      assertThat(ran).containsExactly("kept");
    }
  }

  @Test
  void boundsWhatWaits() throws Exception {
    try (ThreadScheduler scheduler = new ThreadScheduler("role", 2)) {
      CountDownLatch begun = new CountDownLatch(1);
      CountDownLatch go = new CountDownLatch(1);
      CountDownLatch done = new CountDownLatch(2);
      scheduler.execute(() -> {
        begun.countDown();
        try {
          go.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      });
      assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
      scheduler.execute(done::countDown);
      scheduler.schedule(done::countDown, 0);

      assertThatThrownBy(() -> scheduler.execute(done::countDown))
          .isInstanceOf(RejectedExecutionException.class)
          .hasMessage("2 tasks are queued already");
      assertThatThrownBy(() -> scheduler.schedule(done::countDown, 1))
          .isInstanceOf(RejectedExecutionException.class);

      go.countDown();
      assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    }
  }
}
