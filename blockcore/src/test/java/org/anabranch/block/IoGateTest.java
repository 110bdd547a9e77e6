// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.block.testing.Await;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class IoGateTest {
  private static Io flush(IoCompletion done) {
    return Io.flush(done);
  }

  @Test
  void waitsForTheLastToLeave() {
    IoGate gate = new IoGate(true);
    List<@Nullable IoError> ends = new ArrayList<>();
    Io first = flush((io, error) -> ends.add(error));
    Io second = flush((io, error) -> ends.add(error));
    assertThat(gate.enter(first)).isTrue();
    assertThat(gate.enter(second)).isTrue();

    CompletableFuture<@Nullable Void> shut = gate.shut().toCompletableFuture();

    assertThat(gate.enter(flush((io, error) -> {}))).isFalse();
    assertThat(gate.count()).isEqualTo(2);
    first.complete(null);
    assertThat(shut).isNotDone();
    second.complete(IoError.of(IoError.Kind.IO, "x"));
    assertThat(shut).isCompleted();
    assertThat(ends).hasSize(2).last().isNotNull();
    gate.open();
    assertThat(gate.enter(first)).isTrue();
  }

  @Test
  void thoseAboveHaveSeenTheEndBeforeTheGateIsEmpty() {
    IoGate gate = new IoGate(true);
    List<String> order = new ArrayList<>();
    Io io = flush((done, error) -> order.add("completed"));
    gate.enter(io);
    gate.shut().thenRun(() -> order.add("drained"));

    io.complete(null);

    assertThat(order).containsExactly("completed", "drained");
  }

  @Test
  void anEmptyGateIsShutAtOnce() {
    IoGate gate = new IoGate(false);

    assertThat(gate.enter(flush((io, error) -> {}))).isFalse();
    assertThat(gate.shut().toCompletableFuture()).isCompleted();
  }

  /** Whenever the gate is shut and drained, nobody is inside, however threads come and go. */
  @Test
  void nobodyIsInsideAfterDraining() throws Exception {
    IoGate gate = new IoGate(true);
    AtomicBoolean stop = new AtomicBoolean();
    AtomicInteger inside = new AtomicInteger();
    AtomicLong entered = new AtomicLong();
    ConcurrentLinkedQueue<Io> elsewhere = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      boolean endsHere = i % 2 == 0;
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                while (!stop.get()) {
                  Io io = flush((done, error) -> inside.decrementAndGet());
                  if (!gate.enter(io)) {
                    LockSupport.parkNanos(1_000);
                    continue;
                  }
                  inside.incrementAndGet();
                  entered.incrementAndGet();
                  if (endsHere) {
                    io.complete(null);
                  } else {
                    elsewhere.add(io);
                  }
                }
              }));
    }
    threads.add(
        Thread.ofPlatform()
            .start(() -> {
              while (!stop.get() || !elsewhere.isEmpty()) {
                Io io = elsewhere.poll();
                if (io != null) {
                  io.complete(null);
                }
              }
            }));
    try {
      for (int round = 0; round < 200; round++) {
        CountDownLatch drained = new CountDownLatch(1);
        gate.shut().thenRun(drained::countDown);
        assertThat(drained.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(inside).hasValue(0);
        long before = entered.get();
        gate.open();
        Await.until("one enters again", entered::get, count -> count > before);
      }
    } finally {
      stop.set(true);
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }
}
