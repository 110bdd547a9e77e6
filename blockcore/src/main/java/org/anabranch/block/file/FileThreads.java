// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that wait for one file. Each file has its own, so that a hanging disk delays only its
 * own requests. They are daemons.
 *
 * <p>One thread is started with the file and lives as long as it. So when the system has no thread
 * to give (limit of the user or of the control group), requests take longer, and none fails. The
 * others are started when more requests are at work, and end after some idle time.
 */
final class FileThreads {
  private static final Logger LOG = LoggerFactory.getLogger(FileThreads.class);

  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final ThreadFactory factory;
  private final int most;
  private final int mostWaiting;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final ArrayDeque<Runnable> queue = new ArrayDeque<>();

  /** Threads that were started, or are about to be. */
  @GuardedBy("lock")
  private int count;

  /** Of these, the ones that wait for work; those that were woken are still among them. */
  @GuardedBy("lock")
  private int idle;

  /** Set once: no more work is taken. The last thread runs it. */
  @GuardedBy("lock")
  private @Nullable Runnable last;

  private FileThreads(ThreadFactory factory, int most, int mostWaiting) {
    this.factory = factory;
    this.most = most;
    this.mostWaiting = mostWaiting;
    this.count = 1;
  }

  /** Makes threads for a file, which have its name. */
  static ThreadFactory named(String file) {
    AtomicInteger number = new AtomicInteger();
    return work ->
        Thread.ofPlatform()
            .name("file " + file + " " + number.incrementAndGet())
            .daemon()
            .unstarted(work);
  }

  /**
   * Starts the first thread.
   *
   * @param most the largest number of threads
   * @param mostWaiting the largest number of requests that wait for one
   * @throws IOException if the system has no thread to give
   */
  static FileThreads start(ThreadFactory factory, int most, int mostWaiting) throws IOException {
    FileThreads threads = new FileThreads(factory, most, mostWaiting);
    try {
      factory.newThread(() -> threads.work(true)).start();
    } catch (OutOfMemoryError e) { // what Java says when the system refuses a thread
      throw new IOException("no thread can be started: " + e.getMessage(), e);
    }
    return threads;
  }

  /** Runs {@code work} on one of the threads; false, with nothing done, if the queue is full. */
  boolean offer(Runnable work) {
    lock.lock();
    try {
      if (last != null || queue.size() == mostWaiting) {
        return false;
      }
      queue.add(work);
      if (idle >= queue.size()) {
        changed.signal();
        return true;
      }
      if (count == most) {
        return true;
      }
      count++;
    } finally {
      lock.unlock();
    }
    startAnother();
    return true;
  }

  private void startAnother() {
    try {
      factory.newThread(() -> work(false)).start();
    } catch (OutOfMemoryError e) {
      LOG.warn("no thread can be started, so requests wait longer: {}", e.getMessage());
      leave();
    }
  }

  /**
   * The life of a thread.
   *
   * @param stays whether it lives as long as the file
   */
  private void work(boolean stays) {
    for (Runnable next = next(stays); next != null; next = next(stays)) {
      try {
        next.run();
      } catch (RuntimeException | Error e) {
        LOG.error("{}", Thread.currentThread().getName(), e);
      }
    }
    leave();
  }

  /** Work, when there is some; null when the thread is to end. */
  private @Nullable Runnable next(boolean stays) {
    lock.lock();
    try {
      long left = IDLE_NANOS;
      while (queue.isEmpty()) {
        if (last != null || left <= 0) {
          return null;
        }
        idle++;
        try {
          if (stays) {
            changed.awaitUninterruptibly();
          } else {
            left = changed.awaitNanos(left);
          }
        } catch (InterruptedException e) {
          left = 0; // nobody interrupts these threads; it ends
        } finally {
          idle--;
        }
      }
      return queue.remove();
    } finally {
      lock.unlock();
    }
  }

  /** A thread ends, or could not be started. The last one runs what is to be run at the end. */
  private void leave() {
    Runnable end;
    lock.lock();
    try {
      end = --count == 0 ? last : null;
    } finally {
      lock.unlock();
    }
    if (end != null) {
      end.run();
    }
  }

  /** Runs {@code newLast} after all earlier work, and accepts no more. */
  void end(Runnable newLast) {
    lock.lock();
    try {
      last = newLast;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
