// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.config.Configuration;
import org.anabranch.config.IscsiConfig;
import org.anabranch.config.LimitsConfig;
import org.anabranch.iscsi.BoundPortal;
import org.anabranch.iscsi.IscsiLimits;
import org.anabranch.iscsi.IscsiServer;
import org.anabranch.iscsi.Portal;
import org.anabranch.iscsi.SessionInfo;
import org.anabranch.server.control.ControlServer;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.snapshots.Initiators;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.ReservationFiles;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.state.StateFile;
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

  private final Configuration configuration;
  private final StateDirectory state;
  private final ThreadScheduler scheduler = new ThreadScheduler("scheduler");
  private final Storage storage;
  private final ReservationFiles reservations;
  private final Targets targets;
  private final Snapshots snapshots;
  private final Exports exports;
  private volatile @Nullable IscsiServer iscsi;
  private @Nullable ControlServer control;
  private boolean stopped;
  private boolean clean;

  private Server(Configuration configuration) throws RefusedException {
    this.configuration = configuration;
    state = StateDirectory.open(configuration.stateDir());
    reservations = new ReservationFiles(state.folder());
    try {
      storage = new Storage(scheduler);
      targets = new Targets(configuration, storage, scheduler, reservations, state.serverId());
      StateFile file = new StateFile(state.folder().resolve("state.json"));
      snapshots =
          new Snapshots(
              storage,
              file,
              state.folder(),
              configuration.volumes(),
              configuration.stores(),
              new LoggedIn());
      exports = new Exports(storage, snapshots);
    } catch (RefusedException e) {
      reservations.close();
      scheduler.close();
      state.close();
      throw e;
    }
  }

  /** Starts; logins are accepted when this returns. */
  public static Server start(Configuration configuration) throws RefusedException {
    Server server = new Server(configuration);
    try {
      server.open();
      return server;
    } catch (RefusedException | RuntimeException e) {
      server.stop();
      throw e;
    }
  }

  private void open() throws RefusedException {
    storage.open(configuration);
    snapshots.restore();
    List<Portal> portals =
        configuration.portals().stream()
            .map(portal -> new Portal(portal.socketAddress(), Targets.PORTAL_GROUP))
            .toList();
    try {
      iscsi = IscsiServer.start(limits(configuration), targets.open(), portals);
      control = ControlServer.start(state.folder().resolve("control.sock"), new Verbs(this).all());
    } catch (IOException e) {
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    }
  }

  /** Who uses what, for {@link Snapshots}. */
  private final class LoggedIn implements Initiators {
    @Override
    public int sessions(String device) {
      Set<String> exporting = targets.exporting(device);
      return (int)
          sessionInfos().stream().filter(info -> exporting.contains(info.target())).count();
    }

    @Override
    public void appeared(String device) throws RefusedException {
      targets.appeared(device);
    }

    @Override
    public void vanishing(String device) {
      targets.vanishing(device);
    }

    @Override
    public void contentsChanged(String device) {
      targets.contentsChanged(device);
    }
  }

  /** The sessions that are logged in, those for discovery included. */
  List<SessionInfo> sessionInfos() {
    IscsiServer running = iscsi;
    return running == null ? List.of() : running.sessionInfos();
  }

  /** Ends a session; whether there was one. */
  boolean drop(int tsih) {
    IscsiServer running = iscsi;
    return running != null && running.drop(tsih);
  }

  Configuration configuration() {
    return configuration;
  }

  Storage storage() {
    return storage;
  }

  Snapshots snapshots() {
    return snapshots;
  }

  Exports exports() {
    return exports;
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
    IscsiServer running = iscsi;
    return running == null
        ? List.of()
        : running.portals().stream().map(BoundPortal::address).map(Server::text).toList();
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
    if (control != null) {
      control.close();
    }
    exports.close();
    snapshots.close();
    IscsiServer running = iscsi;
    if (running != null) {
      LOG.info("stopping");
      running.stop(Duration.ofSeconds(LOGOUT_SECONDS));
    }
    clean = storage.sync();
    targets.release();
    clean &= storage.close();
    reservations.close();
    scheduler.close();
    state.close();
    return clean;
  }

  @Override
  public void close() {
    stop();
  }
}
