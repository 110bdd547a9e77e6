// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.nio.channels.spi.SelectorProvider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The iSCSI server: portals that listen, target nodes, sessions. Portals and nodes come and go at
 * run time; a session is only touched by what concerns its own node.
 *
 * <p>All methods from any thread. Each connection lives on one event loop, on which its session's
 * whole state is; see the package's page.
 */
public final class IscsiServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(IscsiServer.class);
  private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(1 << 20, 4 << 20);

  /** IPPROTO_IPV6 and IPV6_V6ONLY of Linux: no IPv4 through an IPv6 socket. */
  private static final IntegerUnixChannelOption IPV6_ONLY =
      new IntegerUnixChannelOption("IPV6_V6ONLY", 41, 26);

  private record Listener(BoundPortal bound, Channel channel) {}

  private final SessionEvents events;
  private volatile IscsiLimits limits;
  private volatile DiscoveryPolicy discovery = DiscoveryPolicy.DEFAULT;
  private final DataMemory placeMemory;
  private final DataMemory memory;
  private final Sessions sessions;
  private final EventLoopGroup loops;
  private final Map<String, TargetNode> nodes = new ConcurrentSkipListMap<>();
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final Set<Connection> beforeLogin = ConcurrentHashMap.newKeySet();
  private volatile boolean listening;
  private volatile boolean stopping;

  private IscsiServer(IscsiLimits limits, SessionEvents events, int threads) {
    this.limits = limits;
    this.events = events;
    // Half for what may come unasked, half for what commands need beyond that: see CommandWindow.
    // Of the first a place for each session that may come, so that wide windows shut nobody out.
    long half = limits.dataMemory() / 2;
    long places = (long) limits.sessions() * limits.firstBurstLength();
    this.placeMemory = new DataMemory(half, Math.min(places, half / 2));
    this.memory = new DataMemory(half);
    this.sessions = new Sessions(limits.sessions());
    this.loops =
        new MultiThreadIoEventLoopGroup(
            threads,
            new DefaultThreadFactory("iscsi"),
            Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
  }

  /**
   * Starts a server that listens on these portals.
   *
   * @throws IOException a portal cannot be bound; then nothing is left running
   */
  public static IscsiServer start(
      IscsiLimits limits, Collection<TargetNode> nodes, Collection<Portal> portals)
      throws IOException {
    IscsiServer server = bind(limits, portals);
    nodes.forEach(server::put);
    server.listen();
    return server;
  }

  /**
   * Takes the portals' addresses, so that they are sure before anything else is begun. Whoever
   * connects waits until {@link #listen}.
   *
   * @throws IOException a portal cannot be bound; then nothing is left running
   */
  public static IscsiServer bind(IscsiLimits limits, Collection<Portal> portals)
      throws IOException {
    return bind(limits, portals, SessionEvents.IGNORED);
  }

  /**
   * The same.
   *
   * @param events hears of the sessions
   */
  public static IscsiServer bind(
      IscsiLimits limits, Collection<Portal> portals, SessionEvents events) throws IOException {
    IscsiServer server =
        new IscsiServer(limits, events, Runtime.getRuntime().availableProcessors());
    try {
      for (Portal portal : portals) {
        server.addPortal(portal);
      }
    } catch (IOException e) {
      server.stop(Duration.ZERO);
      throw e;
    }
    return server;
  }

  /** Loads what the first server needs, which takes longer than to start it. */
  public static void preload() {
    Epoll.isAvailable();
    PooledByteBufAllocator.DEFAULT.directBuffer(ReceiveBuffers.USUAL).release();
  }

  /** Accepts connections from here on: every target node is there. */
  public void listen() {
    listening = true;
    listeners.forEach(listener -> listener.channel().config().setAutoRead(true));
  }

  // --- portals ------------------------------------------------------------------------------

  /**
   * Changes the limits. Sessions that are logged in keep what they negotiated and the window that
   * they have; none is ended because it is one too many.
   */
  public void limits(IscsiLimits changed) {
    limits = changed;
    sessions.max(changed.sessions());
    placeMemory.capacity(changed.dataMemory() / 2);
    memory.capacity(changed.dataMemory() / 2);
  }

  /** Sets the terms of the discovery sessions to come. */
  public void discovery(DiscoveryPolicy changed) {
    discovery = changed;
  }

  DiscoveryPolicy discovery() {
    return discovery;
  }

  /**
   * Listens on one more portal.
   *
   * @return what it is bound to
   * @throws IOException it cannot be bound; the message names it
   */
  public BoundPortal addPortal(Portal portal) throws IOException {
    boolean six = portal.address().getAddress() instanceof Inet6Address;
    // A wildcard is one of its own family, so that both can be bound to one port.
    SocketProtocolFamily family = six ? SocketProtocolFamily.INET6 : SocketProtocolFamily.INET;
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(loops)
            .channelFactory(() -> serverChannel(family))
            .option(ChannelOption.SO_REUSEADDR, true)
            .option(ChannelOption.AUTO_READ, listening)
            .option(ChannelOption.SO_BACKLOG, 1024)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.SO_KEEPALIVE, true)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
            .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accept(portal, channel);
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
    listeners.add(new Listener(bound, channel));
    return bound;
  }

  private static ServerChannel serverChannel(SocketProtocolFamily family) {
    return Epoll.isAvailable()
        ? new EpollServerSocketChannel(family)
        : new NioServerSocketChannel(SelectorProvider.provider(), family);
  }

  /** Without Netty's words for the call, which help nobody. */
  private static String reason(Exception e) {
    return String.valueOf(e.getMessage())
        .replaceFirst("^bind\\(.*\\) failed with error\\(.*\\): ", "");
  }

  /** Stops listening on a portal; the sessions that came through it go on. */
  public void removePortal(Portal portal) {
    List<Listener> ended =
        listeners.stream().filter(listener -> listener.bound().portal().equals(portal)).toList();
    listeners.removeAll(ended);
    ended.forEach(listener -> listener.channel().close().syncUninterruptibly());
  }

  /** The portals that listen, in the order they were added. */
  public List<BoundPortal> portals() {
    return listeners.stream().map(Listener::bound).toList();
  }

  /** One at a time, so that the limits hold exactly. */
  private synchronized void accept(Portal portal, Channel channel) {
    if (stopping || connections.size() >= limits.connections()) {
      LOG.warn(
          "{}: connection refused: limit of {}", channel.remoteAddress(), limits.connections());
      var _ = channel.close();
      return;
    }
    if (beforeLogin.size() >= limits.connectionsBeforeLogin()) {
      LOG.warn(
          "{}: connection refused: limit of {} that have not logged in",
          channel.remoteAddress(),
          limits.connectionsBeforeLogin());
      var _ = channel.close();
      return;
    }
    Connection connection = new Connection(this, portal, channel);
    channel.config().setRecvByteBufAllocator(new ReceiveBuffers(connection));
    connections.add(connection);
    beforeLogin.add(connection);
    channel.pipeline().addLast(connection);
  }

  void loggedIn(Connection connection) {
    beforeLogin.remove(connection);
  }

  void connectionClosed(Connection connection) {
    beforeLogin.remove(connection);
    connections.remove(connection);
  }

  // --- target nodes -------------------------------------------------------------------------

  /**
   * Adds a node, or replaces the one of its name. Sessions that the new one's access list no longer
   * admits are ended, and those that came through a portal group that it is no longer reached
   * through; the others go on, even when it wants another secret from now on.
   */
  public void put(TargetNode node) {
    nodes.put(node.name(), node);
    for (Session session : sessions.all()) {
      SessionKey key = session.key();
      if (!key.target().equals(node.name())) {
        continue;
      }
      if (!node.isReachableThrough(key.portalGroupTag())) {
        session.dismiss(
            "the target is no longer reached through portal group " + key.portalGroupTag());
      } else if (!node.access()
          .admits(key.initiator(), session.connection().remoteAddress().getAddress())) {
        session.dismiss("the target no longer admits it");
      }
    }
  }

  /** Removes a node and ends its sessions. */
  public void remove(String name) {
    nodes.remove(name);
    for (Session session : sessions.all()) {
      if (session.key().target().equals(name)) {
        session.dismiss("target removed");
      }
    }
  }

  @Nullable TargetNode node(String name) {
    return nodes.get(name);
  }

  Collection<TargetNode> nodes() {
    return nodes.values();
  }

  // --- sessions -----------------------------------------------------------------------------

  /** All sessions; the counts in it are of about now. */
  public List<SessionInfo> sessionInfos() {
    List<SessionInfo> infos = new ArrayList<>();
    for (Session session : sessions.all()) {
      infos.add(session.info());
    }
    return infos;
  }

  /**
   * Ends a session: its initiator is told that all its connections will drop, and may log in again.
   *
   * @return false if there is none with this TSIH
   */
  public boolean drop(int tsih) {
    Session session = sessions.get(tsih);
    if (session == null) {
      return false;
    }
    session.dismiss("dropped by the administrator");
    return true;
  }

  Sessions sessions() {
    return sessions;
  }

  SessionEvents events() {
    return events;
  }

  IscsiLimits limits() {
    return limits;
  }

  DataMemory placeMemory() {
    return placeMemory;
  }

  DataMemory memory() {
    return memory;
  }

  // --- the end ------------------------------------------------------------------------------

  /**
   * Ends all sessions ({@link #endSessions}), then the event loops. Returns when all is closed or
   * the time is over; afterwards no command runs that the router has already ended.
   */
  public void stop(Duration within) {
    long deadline = System.nanoTime() + within.toNanos();
    endSessions(within);
    endLoops(Duration.ofNanos(deadline - System.nanoTime()));
  }

  /**
   * Stops listening, asks the initiators to log out, gives them half of the time for it, then
   * closes their connections. Commands that the devices below have not ended may end later, until
   * {@link #endLoops}; nobody is answered.
   */
  public void endSessions(Duration within) {
    long deadline = System.nanoTime() + within.toNanos();
    stopping = true;
    listeners.forEach(listener -> close(listener.channel()));
    listeners.clear();
    List<Session> open = sessions.all();
    Duration grace = within.dividedBy(2);
    open.forEach(session -> session.requestLogout(grace));
    await(open, grace.toNanos());
    open = sessions.all();
    open.forEach(session -> session.end("the server stops"));
    connections.forEach(connection -> close(connection.channel()));
    await(open, deadline - System.nanoTime());
  }

  /** Ends the event loops: the last step of a {@link #stop}, when no command can end any more. */
  public void endLoops(Duration within) {
    var _ = loops.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS);
    try {
      loops.terminationFuture().await(Math.max(within.toNanos(), 1), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void close(Channel channel) {
    var _ = channel.close();
  }

  private static void await(List<Session> sessions, long nanos) {
    CompletableFuture<?> gone =
        CompletableFuture.allOf(
            sessions.stream().map(Session::gone).toArray(CompletableFuture[]::new));
    try {
      gone.get(Math.max(nanos, 1), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    } catch (TimeoutException e) {
      LOG.debug("{} sessions did not log out", sessions.size());
    }
  }

  @Override
  public void close() {
    stop(Duration.ofSeconds(2));
  }
}
