// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.Counts;
import org.anabranch.iscsi.login.Admission;
import org.anabranch.iscsi.login.AgreedLogin;
import org.anabranch.iscsi.login.DiscoveryPolicy;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.login.Login;
import org.anabranch.iscsi.login.NewSession;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.login.SessionKey;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.iscsi.loop.RelievedLoops;
import org.anabranch.iscsi.session.Session;
import org.anabranch.iscsi.session.SessionEvents;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.iscsi.session.Sessions;
import org.anabranch.iscsi.shares.AddressBlock;
import org.anabranch.iscsi.wire.Connection;
import org.anabranch.iscsi.wire.ConnectionCounter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The iSCSI server: portals that listen, target nodes, sessions. Portals and nodes come and go at
 * run time; that affects only the sessions of the node concerned.
 *
 * <p>Thread-safe. One event loop owns each connection and the whole state of its session; see the
 * package page of {@code org.anabranch.iscsi}.
 */
public final class IscsiServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(IscsiServer.class);

  /** How long a connection that has lost its place may take to send its login request. */
  private static final long LAST_CHANCE_MILLIS = 20;

  private final ServerTerms terms;
  private final Sessions sessions;
  private final EventLoopGroup loops;
  private final Portals portals;
  private final Places places = new Places();
  private final Logins logins = new Logins();
  private final OpenConnections connections = new OpenConnections();
  private final Counters<ConnectionCounter> counters;
  private volatile boolean stopping;

  /** Gives connections their places. */
  private final class Places implements Connection.Watcher {
    @Override
    public void spoke(Connection connection) {
      AddressBlock from = AddressBlock.of(connection.remoteAddress().getAddress());
      IscsiLimits limits = terms.limits();
      OpenConnections.Place place = connections.spoke(connection, from, limits);
      if (place.refusal() != null) {
        connection.refuse(place.refusal());
      }
      displace(place.displaced());
    }

    @Override
    public void closed(Connection connection) {
      connections.closed(connection);
    }
  }

  /** Makes sessions of what logins agree on. */
  private final class Logins implements Admission {
    @Override
    public NewSession session(Connection connection, AgreedLogin login) {
      return new Session(terms, sessions, connection, login);
    }

    @Override
    public void progressed(Connection connection) {
      AddressBlock from = AddressBlock.of(connection.remoteAddress().getAddress());
      displace(connections.progressed(connection, from, terms.limits()));
    }

    @Override
    public void refused(Connection connection) {
      connections.refused(connection);
    }

    @Override
    public void loggedIn(Connection connection) {
      connections.loggedIn(connection);
    }
  }

  /** Listens nowhere yet; {@code loops} serve the connections and are ended with the server. */
  IscsiServer(IscsiLimits limits, SessionEvents events, EventLoopGroup loops) {
    this.sessions = new Sessions(limits);
    this.loops = loops;
    this.portals = new Portals(loops, this::accept);
    this.terms = new ServerTerms(limits, events, portals::bound);
    this.counters = terms.counts().counters(ConnectionCounter.class);
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
   * Binds the portals' addresses, so that failures show before anything else starts. Connections
   * are not served until {@link #listen}.
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
   * @param events is notified of sessions
   */
  public static IscsiServer bind(
      IscsiLimits limits, Collection<Portal> portals, SessionEvents events) throws IOException {
    EventLoopGroup loops =
        RelievedLoops.start(
            "iscsi",
            Runtime.getRuntime().availableProcessors(),
            Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
    IscsiServer server = new IscsiServer(limits, events, loops);
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

  /** Loads the classes that the first server needs, which takes longer than starting it. */
  public static void preload() {
    Epoll.isAvailable();
    Connection.preload();
  }

  /** Starts to accept connections. All target nodes have been added. */
  public void listen() {
    portals.listen();
  }

  // --- portals ------------------------------------------------------------------------------

  /**
   * Changes the limits. Existing sessions keep their negotiated parameters and their command
   * window, and are not closed even if they exceed the new limit.
   */
  public void limits(IscsiLimits changed) {
    terms.limits(changed);
    sessions.limits(changed);
  }

  /** Sets the terms of the discovery sessions to come. */
  public void discovery(DiscoveryPolicy changed) {
    terms.discovery(changed);
  }

  /**
   * Listens on one more portal.
   *
   * @return what it is bound to
   * @throws IOException it cannot be bound; the message names it
   */
  public BoundPortal addPortal(Portal portal) throws IOException {
    return portals.add(portal);
  }

  /** Stops listening on a portal; the sessions that came through it go on. */
  public void removePortal(Portal portal) {
    portals.remove(portal);
  }

  /** The portals that listen, in the order they were added. */
  public List<BoundPortal> portals() {
    return portals.bound();
  }

  /** Serves a new connection. */
  void accept(Portal portal, Channel channel) {
    if (stopping || !(channel.remoteAddress() instanceof InetSocketAddress remote)) {
      var _ = channel.close(); // in the latter case it is gone already
      return;
    }
    IscsiLimits limits = terms.limits();
    AddressBlock from = AddressBlock.of(remote.getAddress());
    counters.increment(ConnectionCounter.ACCEPTED);
    Connection connection =
        new Connection(
            channel,
            counters,
            terms.unsent(),
            limits.sendTimeout(),
            terms.memory()::isContended,
            limits.receiveTimeout(),
            opened -> new Login(terms, logins, opened, portal),
            places);
    displace(connections.opened(connection, from, limits));
    channel.pipeline().addLast(connection);
  }

  /**
   * Closes a connection that has lost its place, unless it sends a login request just now: it may
   * have been accepted so recently that nothing was read from it yet.
   */
  private void displace(@Nullable Connection displaced) {
    if (displaced != null) {
      var _ =
          displaced
              .channel()
              .eventLoop()
              .schedule(
                  () -> {
                    if (!connections.contains(displaced)) {
                      displaced.displace();
                    }
                  },
                  LAST_CHANCE_MILLIS,
                  TimeUnit.MILLISECONDS);
    }
  }

  // --- target nodes -------------------------------------------------------------------------

  /**
   * Adds a node, or replaces the one with the same name. Ends the sessions that its access list no
   * longer admits, and those through portal groups that it is no longer reached through. Other
   * sessions continue, even if the CHAP secret has changed.
   */
  public void put(TargetNode node) {
    terms.put(node);
    for (Session session : sessions.at(node.name())) {
      SessionKey key = session.key();
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
    terms.remove(name);
    sessions.at(name).forEach(session -> session.dismiss("target removed"));
  }

  // --- sessions -----------------------------------------------------------------------------

  /** What connections and logins have counted since the server began. Any thread. */
  public Counts counts() {
    return terms.counts();
  }

  /** Information on all sessions; its counts are approximate. */
  public List<SessionInfo> sessionInfos() {
    List<SessionInfo> infos = new ArrayList<>();
    for (Session session : sessions.all()) {
      infos.add(session.info());
    }
    return infos;
  }

  /**
   * Ends a session. Its initiator gets an asynchronous message first, and may log in again.
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

  /**
   * Completes when each event loop has run a task that is submitted now: then none of them hangs.
   */
  public CompletableFuture<Void> answer() {
    List<CompletableFuture<Void>> answers = new ArrayList<>();
    for (EventExecutor loop : loops) {
      answers.add(CompletableFuture.runAsync(() -> {}, loop));
    }
    return CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new));
  }

  /** For tests, as {@link #terms}. */
  Sessions sessions() {
    return sessions;
  }

  OpenConnections connections() {
    return connections;
  }

  ServerTerms terms() {
    return terms;
  }

  // --- the end ------------------------------------------------------------------------------

  /**
   * Ends all sessions ({@link #endSessions}), then the event loops. Returns when everything is
   * closed or the time has elapsed. Afterwards no ended command is processed any more.
   */
  public void stop(Duration within) {
    long deadline = System.nanoTime() + within.toNanos();
    endSessions(within);
    endLoops(Duration.ofNanos(deadline - System.nanoTime()));
  }

  /**
   * Stops listening and asks the initiators to log out. After half of the time it closes the
   * remaining connections. Commands that the devices have not completed may end later, until {@link
   * #endLoops}, without a response.
   */
  public void endSessions(Duration within) {
    long deadline = System.nanoTime() + within.toNanos();
    stopping = true;
    portals.close();
    List<Session> open = sessions.all();
    Duration grace = within.dividedBy(2);
    open.forEach(session -> session.requestLogout(grace));
    await(open, grace.toNanos());
    open = sessions.all();
    open.forEach(session -> session.end("the server stops"));
    connections.all().forEach(connection -> close(connection.channel()));
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
