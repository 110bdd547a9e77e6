// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.config.Configuration;
import org.anabranch.config.IscsiConfig;
import org.anabranch.config.LimitsConfig;
import org.anabranch.iscsi.BoundPortal;
import org.anabranch.iscsi.IscsiLimits;
import org.anabranch.iscsi.IscsiServer;
import org.anabranch.iscsi.Portal;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server that runs: state directory, block layer, targets, portals, made in this order and taken
 * down in the other. Started and stopped by one thread.
 *
 * <dl>
 *   <dt>What happens at a stop?
 *   <dd>No more connections; initiators are asked to log out and have half of {@value
 *       #LOGOUT_SECONDS} seconds for it; then their connections close. Then every device is flushed
 *       and taken down, which syncs and unlocks the files, and the state directory is unlocked.
 *   <dt>What happens when a start is refused half way?
 *   <dd>What was made is taken down again. Files that were made for volumes stay.
 * </dl>
 */
public final class Server implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final int LOGOUT_SECONDS = 3;
  private static final int BYTES_BEFORE_LOGIN = 65536;

  private final StateDirectory state;
  private final ThreadScheduler scheduler = new ThreadScheduler("scheduler");
  private final Storage storage;
  private final Targets targets;
  private @Nullable IscsiServer iscsi;
  private boolean stopped;
  private boolean clean;

  private Server(Configuration configuration) throws RefusedException {
    state = StateDirectory.open(configuration.stateDir());
    storage = new Storage(scheduler);
    targets = new Targets(storage, scheduler, state.serverId());
  }

  /** Starts; logins are accepted when this returns. */
  public static Server start(Configuration configuration) throws RefusedException {
    Server server = new Server(configuration);
    try {
      server.open(configuration);
      return server;
    } catch (RefusedException | RuntimeException e) {
      server.stop();
      throw e;
    }
  }

  private void open(Configuration configuration) throws RefusedException {
    storage.open(configuration);
    List<Portal> portals =
        configuration.portals().stream()
            .map(portal -> new Portal(portal.socketAddress(), Targets.PORTAL_GROUP))
            .toList();
    try {
      iscsi = IscsiServer.start(limits(configuration), targets.open(configuration), portals);
    } catch (IOException e) {
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    }
  }

  private static IscsiLimits limits(Configuration configuration) {
    LimitsConfig limits = configuration.limits();
    IscsiConfig protocol = configuration.iscsi();
    return new IscsiLimits(
        limits.sessions(),
        limits.connections(),
        limits.connectionsBeforeLogin(),
        BYTES_BEFORE_LOGIN,
        protocol.loginTimeout(),
        protocol.keepaliveInterval(),
        protocol.keepaliveTimeout(),
        protocol.sendTimeout(),
        protocol.maxRecvDataSegmentLength(),
        protocol.maxBurstLength(),
        protocol.firstBurstLength(),
        protocol.maxOutstandingR2t(),
        limits.queueDepth(),
        limits.memory());
  }

  /** Where it listens, {@code address:port}, with the ports that were found for port 0. */
  public List<String> portals() {
    return iscsi == null
        ? List.of()
        : iscsi.portals().stream().map(BoundPortal::address).map(Server::text).toList();
  }

  private static String text(InetSocketAddress address) {
    String host = address.getAddress().getHostAddress();
    return (address.getAddress() instanceof Inet6Address ? "[" + host + "]" : host)
        + ":"
        + address.getPort();
  }

  /** Stops, see above. Whether everything written is durable. Later calls do nothing. */
  public boolean stop() {
    if (stopped) {
      return clean;
    }
    stopped = true;
    if (iscsi != null) {
      LOG.info("stopping");
      iscsi.stop(Duration.ofSeconds(LOGOUT_SECONDS));
    }
    clean = storage.sync();
    targets.release();
    clean &= storage.close();
    scheduler.close();
    state.close();
    return clean;
  }

  @Override
  public void close() {
    stop();
  }
}
