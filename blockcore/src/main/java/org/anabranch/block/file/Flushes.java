// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The flushes of one file: one sync runs at a time, and answers for all flushes that came before it
 * began. At most {@code most} wait. The first request that follows from a sync, such as the record
 * of what was synced, is done by the same thread: to wake another takes a good part of its time.
 */
final class Flushes implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Flushes.class);

  private final FileDevice device;
  private final FileThreads threads;
  private final int most;

  private List<Io> waiting = new ArrayList<>(); // guarded by this
  private boolean running; // guarded by this: run() will look at waiting again

  /** Who completes flushes at the moment; each thread looks for itself only. */
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
      fail(); // otherwise the next sync, on another thread, need not wait for what follows here
    }
    if (following != null) {
      following.run();
    }
  }

  /** Takes {@code work} over if it follows from a sync, and is the first to do so. */
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

  /** Whether some wait. If not, the next one to come begins a new run. */
  private synchronized boolean goesOn() {
    running = !waiting.isEmpty();
    return running;
  }

  /** There is no thread for those that wait; the next one to come asks for one again. */
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
        LOG.error("a completion failed", e); // the others must be told all the same
      }
    }
  }
}
