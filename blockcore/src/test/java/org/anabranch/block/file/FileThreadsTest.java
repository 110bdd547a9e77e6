// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.block.Io;
import org.anabranch.block.IoLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How many threads a file has, and what happens when the system has none to give. */
@Timeout(60)
final class FileThreadsTest {
  /** Gives out so many threads, and then fails as the JVM does. */
  private static final class Limited implements ThreadFactory {
    final AtomicInteger started = new AtomicInteger();
    final AtomicInteger ended = new AtomicInteger();
    volatile int most;

    Limited(int most) {
      this.most = most;
    }

    @Override
    public Thread newThread(Runnable work) {
      if (started.get() - ended.get() >= most) {
        throw new OutOfMemoryError("unable to create native thread (on purpose)");
      }
      started.incrementAndGet();
      return Thread.ofPlatform()
          .daemon()
          .unstarted(() -> {
            work.run();
            ended.incrementAndGet();
          });
    }
  }

  private static void end(FileThreads threads) throws InterruptedException {
    CountDownLatch over = new CountDownLatch(1);
    threads.end(over::countDown);
    assertThat(over.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void thereAreNeverMoreThreadsThanAllowed() throws Exception {
    Limited factory = new Limited(100);
    FileThreads threads = FileThreads.start(factory, 4, 1000);
    for (int i = 0; i < 1000; i++) {
      CountDownLatch done = new CountDownLatch(1);
      assertThat(threads.offer(done::countDown)).isTrue();
      done.await();
    }
    Semaphore permits = new Semaphore(0);
    for (int i = 0; i < 10; i++) {
      threads.offer(permits::acquireUninterruptibly);
    }
    permits.release(10);
    end(threads);
    assertThat(factory.started.get()).isEqualTo(4);
  }

  @Test
  void aHangingRequestHoldsUpNoOther() throws Exception {
    Limited factory = new Limited(100);
    FileThreads threads = FileThreads.start(factory, 8, 1000);
    Semaphore permits = new Semaphore(0);
    for (int i = 0; i < 7; i++) {
      threads.offer(permits::acquireUninterruptibly);
      CountDownLatch done = new CountDownLatch(1);
      threads.offer(done::countDown);
      assertThat(done.await(30, TimeUnit.SECONDS)).as("beside %d", i + 1).isTrue();
    }
    permits.release(7);
    end(threads);
  }

  @Test
  void aFileWithoutAThreadIsNotOpened() {
    assertThatThrownBy(() -> FileThreads.start(new Limited(0), 8, 1000))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no thread can be started");
  }

  @Test
  void oneThreadDoesAllTheWorkWhenNoOtherCanBeStarted() throws Exception {
    Limited factory = new Limited(1);
    FileThreads threads = FileThreads.start(factory, 8, 1000);
    CountDownLatch done = new CountDownLatch(500);
    for (int i = 0; i < 500; i++) {
      assertThat(threads.offer(done::countDown)).isTrue();
    }
    assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    end(threads);
    assertThat(factory.started.get()).isEqualTo(1);
  }

  @Test
  void threadsAreStartedAgainWhenTheSystemHasSome() throws Exception {
    Limited factory = new Limited(1);
    FileThreads threads = FileThreads.start(factory, 8, 1000);
    Semaphore permits = new Semaphore(0);
    threads.offer(permits::acquireUninterruptibly);
    CountDownLatch behind = new CountDownLatch(1);
    threads.offer(behind::countDown);
    factory.most = 8;
    CountDownLatch later = new CountDownLatch(1);
    threads.offer(later::countDown);
    assertThat(later.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(behind.await(30, TimeUnit.SECONDS)).isTrue();
    permits.release();
    end(threads);
  }

  @Test
  void whatFailsDoesNotEndTheThread() throws Exception {
    FileThreads threads = FileThreads.start(new Limited(1), 1, 10);
    threads.offer(() -> {
      throw new IllegalStateException("on purpose");
    });
    CountDownLatch done = new CountDownLatch(1);
    threads.offer(done::countDown);
    assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    end(threads);
  }

  @Test
  void allWorkIsDoneBeforeTheEndAndNoneIsTakenAfterIt() throws Exception {
    FileThreads threads = FileThreads.start(new Limited(3), 3, 1000);
    AtomicInteger done = new AtomicInteger();
    for (int i = 0; i < 300; i++) {
      threads.offer(done::incrementAndGet);
    }
    AtomicInteger atTheEnd = new AtomicInteger();
    CountDownLatch over = new CountDownLatch(1);
    threads.end(() -> {
      atTheEnd.set(done.get());
      over.countDown();
    });
    assertThat(threads.offer(done::incrementAndGet)).isFalse();
    assertThat(over.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(atTheEnd.get()).isEqualTo(300);
  }

  /** A file that syncs and reads while no second thread can be started, and closes. */
  @Test
  void aFileServesReadsWritesAndSyncsOnOneThread() throws Exception {
    Limited factory = new Limited(1);
    FileDevice device =
        new FileDevice("faulty", FileOptions.DEFAULT, new FaultyFile(), new Object(), 64, factory);
    List<CountDownLatch> ends = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      CountDownLatch end = new CountDownLatch(2);
      ends.add(end);
      device.submit(
          Io.flush((io, error) -> {
            assertThat(error).isNull();
            end.countDown();
          }));
      device.submit(
          Io.read(
              0,
              ByteBuffer.allocateDirect(512),
              (io, error) -> {
                assertThat(error).isNull();
                end.countDown();
              }));
    }
    for (CountDownLatch end : ends) {
      assertThat(end.await(30, TimeUnit.SECONDS)).isTrue();
    }
    factory.most = 0;
    IoLatch.await(device, Io::flush);
    CountDownLatch closed = new CountDownLatch(1);
    device.close().whenComplete((done, failure) -> closed.countDown());
    assertThat(closed.await(30, TimeUnit.SECONDS)).as("closes without a new thread").isTrue();
  }
}
