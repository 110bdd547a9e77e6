// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.loop;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Connections are divided evenly among the loops, whichever of them close. */
final class RelievedLoopsTest {
  private static final int LOOPS = 2;

  private final List<Channel> open = new ArrayList<>();
  private RelievedLoops loops;

  @BeforeEach
  void start() throws Exception {
    loops = RelievedLoops.start("test", LOOPS, NioIoHandler.newFactory());
  }

  @AfterEach
  void end() throws Exception {
    for (Channel channel : open) {
      close(channel);
    }
    var _ = loops.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS);
    assertThat(loops.terminationFuture().await(30, TimeUnit.SECONDS)).isTrue();
  }

  private Channel register(Channel channel) throws Exception {
    assertThat(loops.register(channel).await(30, TimeUnit.SECONDS)).isTrue();
    return channel;
  }

  private static void close(Channel channel) throws Exception {
    assertThat(channel.close().await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(channel.closeFuture().await(30, TimeUnit.SECONDS)).isTrue();
    channel.eventLoop().submit(() -> {}).get(30, TimeUnit.SECONDS); // its listeners were called
  }

  private List<Long> connectionsOfEachLoop() {
    return List.copyOf(
        open.stream()
            .map(Channel::eventLoop)
            .collect(Collectors.groupingBy(Function.<EventLoop>identity(), Collectors.counting()))
            .values());
  }

  @Test
  void sessionsAfterDiscoveriesAreDividedEvenly() throws Exception {
    for (int i = 0; i < 8; i++) {
      close(register(new NioSocketChannel())); // discovery
      open.add(register(new NioSocketChannel()));
    }
    assertThat(connectionsOfEachLoop()).containsExactly(4L, 4L);
  }

  @Test
  void whatClosedIsReplacedOnTheSameLoop() throws Exception {
    for (int i = 0; i < 8; i++) {
      open.add(register(new NioSocketChannel()));
    }
    EventLoop emptied = open.getFirst().eventLoop();
    for (Channel channel : List.copyOf(open)) {
      if (channel.eventLoop().equals(emptied)) {
        close(channel);
        open.remove(channel);
      }
    }
    for (int i = 0; i < 4; i++) {
      open.add(register(new NioSocketChannel()));
    }
    assertThat(connectionsOfEachLoop()).containsExactly(4L, 4L);
  }

  @Test
  void portalsCountForNothing() throws Exception {
    Channel portal = register(new NioServerSocketChannel());
    Channel another = register(new NioServerSocketChannel());
    for (int i = 0; i < 4; i++) {
      open.add(register(new NioSocketChannel()));
    }
    assertThat(connectionsOfEachLoop()).containsExactly(2L, 2L);
    close(portal);
    close(another);
  }
}
