// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.anabranch.block.RelievedThread;

/** A thread like one of an event loop: it submits requests, and makes the calls offered to it. */
public final class LoopOfTest extends Thread implements RelievedThread, AutoCloseable {
  private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();

  /** Whether a thread stands by to relieve it; it says so, and there is none. */
  volatile boolean relieved = true;

  /** The calls that it has made. */
  final AtomicInteger calls = new AtomicInteger();

  private volatile boolean closed;

  public LoopOfTest() {
    super("loop of a test");
    setDaemon(true);
    start();
  }

  /** A device whose requests are submitted on this thread. */
  BlockDevice in(BlockDevice device) {
    return new BlockDevice() {
      @Override
      public String name() {
        return device.name();
      }

      @Override
      public long sectors() {
        return device.sectors();
      }

      @Override
      public Limits limits() {
        return device.limits();
      }

      @Override
      public void submit(Io io) {
        tasks.add(() -> device.submit(io));
      }
    };
  }

  @Override
  public boolean offer(Runnable call) {
    if (relieved) {
      tasks.add(() -> {
        calls.incrementAndGet();
        call.run();
      });
    }
    return relieved;
  }

  @Override
  public boolean execute(Runnable task) {
    if (!closed) {
      tasks.add(task);
    }
    return !closed;
  }

  @Override
  public void run() {
    while (!closed) {
      try {
        tasks.take().run();
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** Runs no more tasks. */
  public void end() {
    closed = true;
    tasks.add(() -> {});
  }

  @Override
  public void close() {
    end();
  }
}
