// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.loop;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.Executor;

/** A group of event loops that go on when a device hangs, see {@link RelievedLoop}. */
public final class RelievedLoops extends MultiThreadIoEventLoopGroup {
  private final LoopWatch watch;

  private RelievedLoops(String name, int count, IoHandlerFactory handlers, LoopWatch watch) {
    super(count, new Threads(name), handlers, watch);
    this.watch = watch;
    var _ = terminationFuture().addListener(_ -> watch.end());
  }

  /**
   * Starts the threads of all loops while the system has some to give. A connection would hang that
   * came to a loop which cannot start.
   *
   * @param name of the threads
   * @param count how many loops
   * @throws IOException a thread cannot be started; then the group ends
   */
  public static RelievedLoops start(String name, int count, IoHandlerFactory handlers)
      throws IOException {
    RelievedLoops loops = new RelievedLoops(name, count, handlers, new LoopWatch());
    try {
      loops.watch.start();
      for (EventExecutor loop : loops) {
        loop.execute(() -> {});
      }
    } catch (OutOfMemoryError e) { // what Java says when the system refuses a thread
      var _ = loops.shutdownGracefully();
      throw new IOException("an event loop cannot be started: " + e.getMessage(), e);
    }
    return loops;
  }

  /**
   * Gives a connection to the loop that serves the fewest, and a server channel to any. If loops
   * took turns, a host that opens a connection for discovery before each session would have all of
   * its sessions on one loop.
   */
  @Override
  public ChannelFuture register(Channel channel) {
    if (channel instanceof ServerChannel) {
      return super.register(channel);
    }
    RelievedLoop loop = leastLoaded();
    channel.closeFuture().addListener(_ -> loop.removeConnection());
    return loop.register(channel);
  }

  /** Finds the loop with the fewest connections, and adds one to it. */
  private synchronized RelievedLoop leastLoaded() { // several loops may accept connections
    RelievedLoop least = null;
    for (EventExecutor each : this) {
      RelievedLoop loop = (RelievedLoop) each;
      if (least == null || loop.connections() < least.connections()) {
        least = loop;
      }
    }
    Objects.requireNonNull(least).addConnection();
    return least;
  }

  @Override
  protected IoEventLoop newChild(
      Executor executor, IoHandlerFactory handlers, Object... arguments) {
    LoopWatch theirs = (LoopWatch) arguments[0]; // the superclass calls this before ours is set
    RelievedLoop loop = new RelievedLoop(this, executor, handlers, theirs);
    theirs.add(loop);
    return loop;
  }

  private static final class Threads extends DefaultThreadFactory {
    Threads(String name) {
      super(name);
    }

    @Override
    protected Thread newThread(Runnable work, String name) {
      return new LoopThread(threadGroup, work, name);
    }
  }
}
