// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.AbstractEventExecutor;
import io.netty.util.concurrent.DefaultPromise;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ScheduledFuture;
import io.netty.util.concurrent.Ticker;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Delayed;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.Scheduler;
import org.anabranch.block.sim.SimScheduler;
import org.jspecify.annotations.Nullable;

/**
 * An event loop without a thread: its tasks run in their order as events of the scheduler, and its
 * clock is the scheduler's. While they run, and only then, the caller is in the loop; the other
 * events of the scheduler are other threads to it.
 */
@SuppressWarnings("deprecation") // Netty asks for shutdown()
final class SimEventLoop extends AbstractEventExecutor implements EventLoop {
  private final SimScheduler scheduler;
  private final Queue<Runnable> tasks = new ArrayDeque<>();
  private boolean awake;
  private boolean inside;

  SimEventLoop(SimScheduler scheduler) {
    this.scheduler = scheduler;
  }

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
    wake();
  }

  private void wake() {
    if (!awake) {
      awake = true;
      scheduler.execute(this::turn);
    }
  }

  /** One turn of the loop: what waits now, or a part of it. */
  private void turn() {
    awake = false;
    inside = true;
    try {
      for (int count = 1 + scheduler.random().nextInt(tasks.size()); count > 0; count--) {
        tasks.remove().run();
      }
    } catch (RuntimeException | AssertionError e) {
      scheduler.fail(e);
    } finally {
      inside = false;
    }
    if (!tasks.isEmpty()) {
      wake();
    }
  }

  @Override
  public boolean inEventLoop(Thread thread) {
    return inside;
  }

  @Override
  public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
    return new Timed(task, unit.toNanos(delay));
  }

  @Override
  public Ticker ticker() {
    return new Ticker() {
      @Override
      public long initialNanoTime() {
        return 0;
      }

      @Override
      public long nanoTime() {
        return scheduler.nanoTime();
      }

      @Override
      public void sleep(long delay, TimeUnit unit) {
        throw new UnsupportedOperationException("nobody sleeps here");
      }
    };
  }

  private final class Timed extends DefaultPromise<@Nullable Void>
      implements ScheduledFuture<@Nullable Void> {
    private final long due;
    private final Scheduler.Timer timer;

    Timed(Runnable task, long delayNanos) {
      super(SimEventLoop.this);
      due = scheduler.nanoTime() + delayNanos;
      timer = scheduler.schedule(() -> SimEventLoop.this.execute(() -> run(task)), delayNanos);
    }

    private void run(Runnable task) {
      if (setUncancellable()) {
        task.run();
        setSuccess(null);
      }
    }

    @Override
    public boolean cancel(boolean interrupt) {
      timer.cancel();
      return super.cancel(interrupt);
    }

    @Override
    public long getDelay(TimeUnit unit) {
      return unit.convert(due - scheduler.nanoTime(), TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
      return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return Long.hashCode(due);
    }
  }

  @Override
  public EventLoop next() {
    return this;
  }

  @Override
  public @Nullable EventLoopGroup parent() {
    return null;
  }

  @Override
  public ChannelFuture register(Channel channel) {
    return register(new DefaultChannelPromise(channel, this));
  }

  @Override
  public ChannelFuture register(ChannelPromise promise) {
    promise.channel().unsafe().register(this, promise);
    return promise;
  }

  @Override
  public ChannelFuture register(Channel channel, ChannelPromise promise) {
    channel.unsafe().register(this, promise);
    return promise;
  }

  @Override
  public boolean isShuttingDown() {
    return false;
  }

  @Override
  public boolean isShutdown() {
    return false;
  }

  @Override
  public boolean isTerminated() {
    return false;
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) {
    return false;
  }

  @Override
  public Future<?> shutdownGracefully(long quietPeriod, long timeout, TimeUnit unit) {
    return terminationFuture();
  }

  @Override
  public Future<?> terminationFuture() {
    return newSucceededFuture(null);
  }

  @Override
  public void shutdown() {
    throw new UnsupportedOperationException();
  }
}
