// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.unix.IntegerUnixChannelOption;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.nio.channels.spi.SelectorProvider;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import org.anabranch.iscsi.login.Portal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The listening portals of a server. Thread-safe. */
final class Portals {
  private static final Logger LOG = LoggerFactory.getLogger(Portals.class);
  private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(1 << 20, 4 << 20);

  /** IPPROTO_IPV6 and IPV6_V6ONLY of Linux: no IPv4 through an IPv6 socket. */
  private static final IntegerUnixChannelOption IPV6_ONLY =
      new IntegerUnixChannelOption("IPV6_V6ONLY", 41, 26);

  private record Listener(BoundPortal bound, Channel channel) {}

  private final EventLoopGroup loops;
  private final BiConsumer<Portal, Channel> accept;
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private volatile boolean listening;

  /**
   * @param accept receives each new connection on its event loop, before anything is read from it
   */
  Portals(EventLoopGroup loops, BiConsumer<Portal, Channel> accept) {
    this.loops = loops;
    this.accept = accept;
  }

  /** Starts to accept connections. All target nodes have been added. */
  void listen() {
    listening = true;
    listeners.forEach(listener -> listener.channel().config().setAutoRead(true));
  }

  /**
   * Listens on one more portal.
   *
   * @return what it is bound to
   * @throws IOException it cannot be bound; the message names it
   */
  BoundPortal add(Portal portal) throws IOException {
    boolean six = portal.address().getAddress() instanceof Inet6Address;
    // An IPv6 wildcard does not cover IPv4, so that both wildcards can be bound to one port.
    SocketProtocolFamily family = six ? SocketProtocolFamily.INET6 : SocketProtocolFamily.INET;
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(loops)
            .channelFactory(() -> serverChannel(family))
            .option(ChannelOption.SO_REUSEADDR, true)
            .option(ChannelOption.AUTO_READ, listening)
            .option(ChannelOption.SO_BACKLOG, 4096)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.SO_KEEPALIVE, true)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
            .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accept.accept(portal, channel);
                  }
                });
    if (six && Epoll.isAvailable()) {
      bootstrap.option(IPV6_ONLY, 1);
    }
    Channel channel;
    try {
      channel = bootstrap.bind(portal.address()).sync().channel();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (Exception e) { // Netty throws the checked BindException unannounced
      throw new IOException(
          "cannot listen on " + SendTargets.text(portal.address()) + ": " + reason(e), e);
    }
    BoundPortal bound = new BoundPortal(portal, (InetSocketAddress) channel.localAddress());
    channel.pipeline().addLast(new AcceptFailures(SendTargets.text(portal.address())));
    listeners.add(new Listener(bound, channel));
    return bound;
  }

  /** Netty pauses a portal for a second after a failure, and hands it on to here. */
  private static final class AcceptFailures extends ChannelInboundHandlerAdapter {
    private final String portal;

    AcceptFailures(String portal) {
      this.portal = portal;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      LOG.error(
          "portal {}: a connection cannot be accepted: {}; if it is for lack of file descriptors,"
              + " raise their limit (ulimit -n, LimitNOFILE of the service)",
          portal,
          cause.getMessage());
    }
  }

  private static ServerChannel serverChannel(SocketProtocolFamily family) {
    return Epoll.isAvailable()
        ? new EpollServerSocketChannel(family)
        : new NioServerSocketChannel(SelectorProvider.provider(), family);
  }

  /** The error message without the prefix that Netty adds. */
  private static String reason(Exception e) {
    return String.valueOf(e.getMessage())
        .replaceFirst("^bind\\(.*\\) failed with error\\(.*\\): ", "");
  }

  /** Stops listening on a portal; the sessions that came through it go on. */
  void remove(Portal portal) {
    List<Listener> ended =
        listeners.stream().filter(listener -> listener.bound().portal().equals(portal)).toList();
    listeners.removeAll(ended);
    ended.forEach(listener -> listener.channel().close().syncUninterruptibly());
  }

  /** The portals that listen, in the order they were added. */
  List<BoundPortal> bound() {
    return listeners.stream().map(Listener::bound).toList();
  }

  /** Stops listening on all of them. */
  void close() {
    listeners.forEach(listener -> {
      var _ = listener.channel().close();
    });
    listeners.clear();
  }
}
