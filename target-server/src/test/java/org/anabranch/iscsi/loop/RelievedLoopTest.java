// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.loop;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoop;
import io.netty.channel.nio.NioIoHandler;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.block.RelievedThread;
import org.anabranch.block.testing.Await;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A loop goes on while its calls block, is driven by one thread at a time, and ends. */
final class RelievedLoopTest {
  private final CountDownLatch thaw = new CountDownLatch(1);
  private RelievedLoops loops;
  private EventLoop loop;

  @BeforeEach
  void start() throws Exception {
    loops = RelievedLoops.start("test", 1, NioIoHandler.newFactory());
    loop = loops.next();
  }

  @AfterEach
  void end() throws Exception {
    thaw.countDown();
    var _ = loops.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS);
    assertThat(loops.terminationFuture().await(30, TimeUnit.SECONDS)).isTrue();
  }

  /** Runs a task on the loop, and returns when it has run. */
  private void inLoop(Runnable task) throws Exception {
    loop.submit(task).get(30, TimeUnit.SECONDS);
  }

  /** Offers a call on the loop as soon as a thread stands by. */
  private void offer(Runnable call) throws Exception {
    Await.until(
        "a thread stands by",
        () ->
            loop.submit(() -> ((RelievedThread) Thread.currentThread()).offer(call))
                .get(30, TimeUnit.SECONDS));
  }

  private void hang() {
    try {
      assertThat(thaw.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void callsAreMadeInOrderOutsideOfTheLoop() throws Exception {
    List<Integer> made = Collections.synchronizedList(new ArrayList<>());
    AtomicInteger inside = new AtomicInteger();
    for (int i = 0; i < 100; i++) {
      int number = i;
      offer(() -> {
        made.add(number);
        inside.addAndGet(loop.inEventLoop() ? 1 : 0);
      });
    }
    Await.until("all calls are made", () -> made.size() == 100);
    assertThat(made).isSorted();
    assertThat(inside).as("calls that counted as part of the loop").hasValue(0);
  }

  @Test
  void whileACallHangsTasksTimersAndLaterCallsGoOn() throws Exception {
    CountDownLatch hangs = new CountDownLatch(1);
    CountDownLatch returned = new CountDownLatch(1);
    offer(() -> {
      hangs.countDown();
      hang();
      returned.countDown();
    });
    assertThat(hangs.await(30, TimeUnit.SECONDS)).isTrue();
    inLoop(() -> assertThat(loop.inEventLoop()).isTrue());
    loop.schedule(() -> {}, 1, TimeUnit.MILLISECONDS).get(30, TimeUnit.SECONDS);
    CountDownLatch later = new CountDownLatch(1);
    offer(later::countDown);
    assertThat(later.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(returned.getCount()).as("the first call still hangs").isEqualTo(1);
    thaw.countDown();
    assertThat(returned.await(30, TimeUnit.SECONDS)).isTrue();
    inLoop(() -> {});
  }

  @Test
  void asManyMayHangAsThreadsStandByAndThenNoneIsTaken() throws Exception {
    AtomicInteger hanging = new AtomicInteger();
    AtomicInteger taken = new AtomicInteger();
    Await.until(
        "no more calls are taken",
        () -> {
          boolean accepted =
              loop.submit(() ->
                      ((RelievedThread) Thread.currentThread())
                          .offer(() -> {
                            hanging.incrementAndGet();
                            hang();
                          }))
                  .get(30, TimeUnit.SECONDS);
          int calls = accepted ? taken.incrementAndGet() : taken.get();
          Await.until("the call hangs", () -> hanging.get() == calls);
          return calls == 8 && !accepted;
        });
    assertThat(taken).hasValue(8);
    thaw.countDown();
    CountDownLatch again = new CountDownLatch(1);
    offer(again::countDown);
    assertThat(again.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void oneThreadDrivesTheLoopAtATime() throws Exception {
    AtomicInteger drivers = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger calls = new AtomicInteger();
    int[] sum = {0}; // changed in the loop only
    for (int i = 0; i < 200; i++) {
      boolean slow = i % 20 == 0; // longer than the watch lets a call last
      offer(() -> {
        if (slow) {
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(3L * LoopWatch.TICK_MILLIS));
        }
        calls.incrementAndGet();
      });
      loop.execute(() -> {
        most.accumulateAndGet(drivers.incrementAndGet(), Math::max);
        sum[0]++;
        drivers.decrementAndGet();
      });
    }
    Await.until("all calls are made", () -> calls.get() == 200);
    inLoop(() -> assertThat(sum[0]).isEqualTo(200));
    assertThat(most).hasValue(1);
  }

  @Test
  void aLoopThatAnotherThreadDrivesEnds() throws Exception {
    CountDownLatch hangs = new CountDownLatch(1);
    offer(() -> {
      hangs.countDown();
      hang();
    });
    assertThat(hangs.await(30, TimeUnit.SECONDS)).isTrue();
    inLoop(() -> {});
    var _ = loops.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS);
    Await.until("the loop shuts down", () -> loop.isShuttingDown());
    thaw.countDown();
    assertThat(loops.terminationFuture().await(30, TimeUnit.SECONDS)).isTrue();
  }
}
