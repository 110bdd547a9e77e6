// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that wait for one file. Each file has its own, so that a hanging disk delays only its
 * own requests. They are daemons, are started on demand, and end after some idle time.
 */
final class FileThreads {
  private static final Logger LOG = LoggerFactory.getLogger(FileThreads.class);

  private static final long IDLE_SECONDS = 10;

  private final ThreadPoolExecutor pool;

  FileThreads(String file, int threads, int queue) {
    AtomicInteger number = new AtomicInteger();
    pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(queue),
            work ->
                Thread.ofPlatform()
                    .name("file " + file + " " + number.incrementAndGet())
                    .daemon()
                    .uncaughtExceptionHandler((thread, e) -> LOG.error("{}", thread.getName(), e))
                    .unstarted(work));
    pool.allowCoreThreadTimeOut(true);
  }

  /** Runs {@code work} on one of the threads; false, with nothing done, if the queue is full. */
  boolean offer(Runnable work) {
    try {
      pool.execute(work);
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  /** Runs {@code last} on its own thread after all earlier work, and accepts no more. */
  void end(Runnable last) {
    pool.shutdown();
    Thread.ofPlatform()
        .name("file close")
        .daemon()
        .start(() -> {
          try {
            while (!pool.awaitTermination(1, TimeUnit.DAYS)) {
              // a hung disk: nothing else can be done
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          last.run();
        });
  }
}
