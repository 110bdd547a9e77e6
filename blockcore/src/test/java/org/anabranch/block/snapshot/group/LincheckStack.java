// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counts;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType;
import org.anabranch.block.snapshot.Bounds;
import org.anabranch.block.testing.MemoryDevice;
import org.jspecify.annotations.Nullable;

/**
 * Targets on disks in memory which work inside {@code submit}, for tests with several threads. One
 * sector is a chunk and a number.
 */
final class LincheckStack {
  static final int CHUNKS = 3;

  /** How often a thread looks again before it sleeps: mostly what it waits for is quick. */
  private static final int TURNS = 100;

  private static final long LIMIT_NANOS = 60_000_000_000L;

  private final MemoryDevice origin = new MemoryDevice("origin", new byte[CHUNKS * 512]);
  private final MemoryDevice cow = new MemoryDevice("cow", new byte[16 * 512]);
  private final List<TargetType> types = Origins.types(new Bounds(1, 1, 512));

  /** What was given to the scheduler; whoever likes runs it. */
  final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();

  /** A target for the whole origin, loaded and not resumed. */
  Target target(String type, String... arguments) {
    for (TargetType each : types) {
      if (each.name().equals(type)) {
        try {
          TargetSpec spec = each.read(List.of(arguments), DeviceRef.Named::new);
          return each.create(new Context(), spec).toCompletableFuture().join();
        } catch (TableException e) {
          throw new IllegalArgumentException(e);
        }
      }
    }
    throw new IllegalArgumentException(type);
  }

  private final class Context implements TargetType.Context {
    private final Counts counts = new Counts();

    @Override
    public String deviceName() {
      return "device";
    }

    @Override
    public long begin() {
      return 0;
    }

    @Override
    public long length() {
      return CHUNKS;
    }

    @Override
    public BlockDevice open(DeviceRef device) {
      return device.word().equals("origin") ? origin : cow;
    }

    @Override
    public DeviceRef reference(BlockDevice device) {
      return DeviceRef.named(device.name());
    }

    @Override
    public Scheduler scheduler() {
      return new Queueing();
    }

    @Override
    public Counts counts() {
      return counts;
    }

    @Override
    public void event() {}
  }

  private final class Queueing implements Scheduler {
    @Override
    public long nanoTime() {
      return 0;
    }

    @Override
    public void execute(Runnable task) {
      tasks.add(task);
      wake();
    }

    @Override
    public Timer schedule(Runnable task, long delayNanos) {
      throw new UnsupportedOperationException("nothing here waits for time");
    }
  }

  /** Runs what has been given to the scheduler. */
  void turn() {
    for (Runnable task; (task = tasks.poll()) != null; ) {
      task.run();
    }
  }

  private void wake() {
    synchronized (tasks) {
      tasks.notifyAll();
    }
  }

  /** Waits for another task, or for the end of a request. */
  private void sleep(CompletableFuture<?> done) {
    synchronized (tasks) {
      if (!done.isDone() && tasks.isEmpty()) {
        try {
          tasks.wait(LIMIT_NANOS / 1_000_000);
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      }
    }
  }

  /** The end of one request, wherever it comes from. */
  private final class Ended {
    private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();

    void end(Io io, @Nullable IoError error) {
      if (error == null) {
        done.complete(null);
      } else {
        done.completeExceptionally(error.toException());
      }
      wake();
    }

    /** Runs the scheduler's tasks while it waits, since one of them may be what it waits for. */
    @SuppressWarnings("ThreadPriorityCheck") // yields to the other threads of the scenario
    void await() {
      long begin = System.nanoTime();
      for (int turns = 0; !done.isDone(); turns++) {
        turn();
        if (turns < TURNS) {
          Thread.yield();
        } else {
          sleep(done);
        }
        if (System.nanoTime() - begin > LIMIT_NANOS) {
          throw new AssertionError("a request has not ended");
        }
      }
      done.join();
    }
  }

  void write(Target target, int chunk, int value) {
    ByteBuffer data = ByteBuffer.allocate(512).putInt(0, value);
    Ended ended = new Ended();
    target.map(Io.write(chunk, data, false, ended::end));
    ended.await();
  }

  int read(Target target, int chunk) {
    ByteBuffer data = ByteBuffer.allocate(512);
    Ended ended = new Ended();
    target.map(Io.read(chunk, data, ended::end));
    ended.await();
    return data.getInt(0);
  }
}
