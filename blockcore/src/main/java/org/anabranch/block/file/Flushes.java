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
 * began. At most {@code most} wait.
 */
final class Flushes implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Flushes.class);

  private final FileDevice device;
  private final FileThreads threads;
  private final int most;

  private List<Io> waiting = new ArrayList<>(); // guarded by this
  private boolean running; // guarded by this: run() will look at waiting again

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
      io.complete(device.tooMany());
    } else if (start && !threads.offer(this)) {
      end(take(false), device.tooMany());
    }
  }

  @Override
  public void run() {
    for (List<Io> batch = take(true); !batch.isEmpty(); batch = take(true)) {
      end(batch, device.sync());
    }
  }

  /** All that wait. If nobody does, or nobody goes on, the next one to come begins a new run. */
  private synchronized List<Io> take(boolean goesOn) {
    List<Io> batch = waiting;
    waiting = new ArrayList<>();
    running = goesOn && !batch.isEmpty();
    return batch;
  }

  private static void end(List<Io> batch, @Nullable IoError error) {
    for (Io io : batch) {
      try {
        io.complete(error);
      } catch (RuntimeException e) {
        LOG.error("a completion failed", e); // the others must be told all the same
      }
    }
  }
}
