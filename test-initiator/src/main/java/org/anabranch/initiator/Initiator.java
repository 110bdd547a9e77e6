// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * An iSCSI initiator: discovers targets, logs in to them, and opens connections that the caller
 * controls completely. One per process is enough; all its sessions share its event loops (epoll if
 * available, otherwise NIO). Any thread may call any method.
 */
public final class Initiator implements AutoCloseable {
  private final EventLoopGroup group;
  private final Bootstrap bootstrap;

  /** Creates one event loop, which is enough to load a core. */
  public Initiator() {
    this(1);
  }

  public Initiator(int eventLoops) {
    boolean epoll = Epoll.isAvailable();
    IoHandlerFactory handlers = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    group =
        new MultiThreadIoEventLoopGroup(
            eventLoops, new DefaultThreadFactory("initiator", true), handlers);
    bootstrap =
        new Bootstrap()
            .group(group)
            .channel(epoll ? EpollSocketChannel.class : NioSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.SO_KEEPALIVE, true)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 10_000);
  }

  /** Opens a connection without a login. */
  public CompletableFuture<RawConnection> connect(InetSocketAddress portal) {
    return RawConnection.connect(bootstrap, portal);
  }

  /** Logs in without a listener. */
  public CompletableFuture<Session> login(InetSocketAddress portal, SessionOptions options) {
    return login(portal, options, SessionListener.NONE);
  }

  /**
   * Connects and logs in. Fails with a {@link LoginException} if the target rejects the login, and
   * otherwise with an {@link IscsiException}.
   */
  public CompletableFuture<Session> login(
      InetSocketAddress portal, SessionOptions options, SessionListener listener) {
    return connect(portal).thenCompose(connection -> login(connection, options, listener));
  }

  /**
   * Performs the login phase on a connection, which then stays a raw connection: the caller
   * continues with CmdSN {@value Session#FIRST_CMD_SN}. Closes the connection if the login fails.
   */
  public CompletableFuture<Parameters> logIn(RawConnection connection, SessionOptions options) {
    CompletableFuture<Parameters> done = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("login")
        .start(() -> {
          try {
            done.complete(new Login(connection, options).run());
          } catch (IscsiException | RuntimeException e) {
            connection.close();
            done.completeExceptionally(e);
          }
        });
    return done;
  }

  /** Logs in on an existing connection, which is closed if the login fails. */
  public CompletableFuture<Session> login(
      RawConnection connection, SessionOptions options, SessionListener listener) {
    return logIn(connection, options)
        .thenApply(agreed -> new Session(connection, options, agreed, listener));
  }

  /** Discovers all targets of a portal. */
  public CompletableFuture<List<DiscoveredTarget>> discover(InetSocketAddress portal) {
    return discover(portal, SessionOptions.discovery(), "All");
  }

  /**
   * Logs in, sends SendTargets, and logs out.
   *
   * @param options of a discovery session, or of a normal one, which may ask only for its own
   *     target
   * @param which {@code All}, a target's name, or empty for the session's own target
   */
  public CompletableFuture<List<DiscoveredTarget>> discover(
      InetSocketAddress portal, SessionOptions options, String which) {
    return login(portal, options)
        .thenCompose(session ->
            session
                .text(Map.of("SendTargets", which))
                .thenCompose(answer -> {
                  try {
                    return CompletableFuture.completedFuture(targets(answer));
                  } catch (IscsiException e) {
                    return CompletableFuture.failedFuture(e);
                  }
                })
                .thenCompose(targets -> session.logout().thenApply(status -> targets))
                .whenComplete((targets, error) -> session.connection().closeSoon()));
  }

  private static List<DiscoveredTarget> targets(List<Map.Entry<String, String>> answer)
      throws IscsiException {
    List<DiscoveredTarget> targets = new ArrayList<>();
    for (Map.Entry<String, String> pair : answer) {
      switch (pair.getKey()) {
        case "TargetName" -> targets.add(new DiscoveredTarget(pair.getValue(), new ArrayList<>()));
        case "TargetAddress" -> {
          if (targets.isEmpty()) {
            throw new IscsiException("TargetAddress without a TargetName");
          }
          targets.getLast().addresses().add(pair.getValue());
        }
        default -> throw new IscsiException("not an answer to SendTargets: " + pair);
      }
    }
    return targets;
  }

  /**
   * Waits for a future of this package, for callers that may block.
   *
   * @throws IscsiException also after the timeout
   */
  public static <T> T await(CompletableFuture<T> future, long seconds)
      throws java.io.IOException, InterruptedException {
    try {
      return future.get(seconds, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new IscsiException("no answer within " + seconds + " s", e);
    } catch (ExecutionException | CompletionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof java.io.IOException io) {
        io.addSuppressed(new Throwable("waited for here"));
        throw io;
      }
      throw new IscsiException("failed: " + cause, e);
    }
  }

  /** Closes every connection and stops the event loops. */
  @Override
  public void close() {
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}
