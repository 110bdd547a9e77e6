// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The flushes of one file. One sync runs at a time, and completes all flushes that arrived before
 * it started. At most {@code most} wait. The first request that follows from a sync, such as the
 * record of what was synced, runs on the same thread, because waking another one takes a good part
 * of the time of the request.
 */
final class Flushes implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Flushes.class);

  private final FileDevice device;
  private final FileThreads threads;
  private final int most;

  @GuardedBy("this")
  private List<Io> waiting = new ArrayList<>();

  /** Run() will check waiting again. */
  @GuardedBy("this")
  private boolean running;

  /** The thread that is completing flushes; each thread compares only itself with it. */
  private volatile @Nullable Thread teller;

  private @Nullable FileWork next; // the teller's

  Flushes(FileDevice device, FileThreads threads, int most) {
    this.device = device;
    this.threads = threads;
    this.most = most;
  }

  void add(Io io) {
    boolean start;
    boolean full;
    synchronized (this) {
      start = !running;
      full = waiting.size() == most;
      if (!full) {
        waiting.add(io);
        running = true;
      }
    }
    if (full) {
      device.end(io, device.tooMany());
    } else if (start && !threads.offer(this)) {
      fail();
    }
  }

  @Override
  public void run() {
    List<Io> batch = take();
    IoError error = device.sync();
    teller = Thread.currentThread();
    end(batch, error);
    teller = null;
    FileWork following = next;
    next = null;
    if (goesOn() && !threads.offer(this)) {
      fail(); // the queue is full; otherwise the next sync runs on this thread soon
    }
    if (following != null) {
      following.run();
    }
  }

  /** Takes over {@code work} if it follows from a sync and is the first request that does. */
  boolean follow(FileWork work) {
    if (!Thread.currentThread().equals(teller) || next != null) {
      return false;
    }
    next = work;
    return true;
  }

  private synchronized List<Io> take() {
    List<Io> batch = waiting;
    waiting = new ArrayList<>();
    return batch;
  }

  /** Whether flushes wait. If not, the next one starts a new run. */
  private synchronized boolean goesOn() {
    running = !waiting.isEmpty();
    return running;
  }

  /** The queue is full; the next flush tries again. */
  private void fail() {
    List<Io> batch;
    synchronized (this) {
      batch = take();
      running = false;
    }
    end(batch, device.tooMany());
  }

  private void end(List<Io> batch, @Nullable IoError error) {
    for (Io io : batch) {
      try {
        device.end(io, error);
      } catch (RuntimeException | Error e) {
        LOG.error("a completion failed", e); // the others must still complete
      }
    }
  }
}
