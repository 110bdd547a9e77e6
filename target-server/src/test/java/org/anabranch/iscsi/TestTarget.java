// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.anabranch.block.testing.TestDevice;
import org.anabranch.config.IscsiConfig;
import org.anabranch.config.LimitsConfig;
import org.anabranch.config.PeerLimitsConfig;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.login.ChapCredentials;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.iscsi.session.SessionEvents;
import org.anabranch.naming.AccessList;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.device.TargetDevice;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.UnitProperties;
import org.jspecify.annotations.Nullable;

/** A server with one target of one disk in memory, and an initiator to reach it with. */
public final class TestTarget implements AutoCloseable {
  public static final String NAME = "iqn.2026-11.org.anabranch:test";
  public static final int SECTORS = 16384;
  public static final Duration SOON = Duration.ofSeconds(20);

  public final TestDevice disk = new TestDevice(SECTORS);
  public final IscsiServer server;
  public final Initiator initiator = new Initiator(1);
  private final ManualTimers scheduler = new ManualTimers("test-target");

  public TestTarget() {
    this(limits -> limits, AccessList.EVERYBODY, null);
  }

  public TestTarget(UnaryOperator<Limits> change) {
    this(change, AccessList.EVERYBODY, null);
  }

  public TestTarget(
      UnaryOperator<Limits> change, AccessList access, @Nullable ChapCredentials credentials) {
    this(change, access, credentials, SessionEvents.IGNORED);
  }

  public TestTarget(
      UnaryOperator<Limits> change,
      AccessList access,
      @Nullable ChapCredentials credentials,
      SessionEvents events) {
    try {
      server = IscsiServer.bind(change.apply(new Limits()).build(), List.of(loopback(1)), events);
      server.put(node(NAME, access, credentials, Set.of()));
      server.listen();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public TargetNode node(
      String name,
      AccessList access,
      @Nullable ChapCredentials credentials,
      Set<Integer> portalGroups) {
    TargetDevice device = new TargetDevice(List.of(new TargetPort(name, 1, 1)), scheduler);
    LogicalUnit unit =
        DiskUnit.of(disk, UnitProperties.disk(UnitIdentity.of(name, "disk")), scheduler);
    device.attach(0, unit, initiatorName -> true);
    return new TargetNode(
        name,
        "a disk",
        device,
        access,
        credentials == null ? List.of() : List.of(credentials),
        portalGroups);
  }

  /** The time is over that an abort gives the disk. */
  public void patienceEnds() throws InterruptedException {
    scheduler.expire();
  }

  public static Portal loopback(int tag) {
    return new Portal(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), tag);
  }

  public InetSocketAddress portal() {
    return server.portals().getFirst().address();
  }

  public Session login() throws Exception {
    return login(SessionOptions.normal(NAME));
  }

  public Session login(SessionOptions options) throws Exception {
    Session session = Initiator.await(initiator.login(portal(), options), SOON.toSeconds());
    // The unit attention that every new nexus is owed.
    session.submit(Command.of(0, Cdb.testUnitReady())).get();
    return session;
  }

  /** A connection that has logged in, for PDUs of any kind. */
  public LoginWire wire(Map<String, String> keys) throws Exception {
    return LoginWire.login(this, keys);
  }

  public static Response write(Session session, long lba, byte[] data) throws Exception {
    return session
        .submit(Command.out(0, Cdb.write(lba, data.length / 512, false), ByteBuffer.wrap(data)))
        .get();
  }

  public static Response read(Session session, long lba, int blocks) throws Exception {
    return session.submit(Command.in(0, Cdb.read(lba, blocks), blocks * 512)).get();
  }

  @Override
  public void close() {
    disk.letGo();
    initiator.close();
    server.stop(Duration.ofSeconds(2));
    scheduler.close();
  }

  /** Limits to change one of. */
  public static final class Limits {
    int sessions = 16;
    int connections = 32;
    int silentConnections = 32;
    int connectionsBeforeLogin = 8;
    int loginBurst = 10_000;
    int loginRate = 10_000;
    int connectionsPerAddress = 1000;
    int sessionsPerInitiator = 1000;
    int discoverySessions = 8;
    long unsent = 64 << 20;
    int bytesBeforeLogin = 16384;
    Duration loginTimeout = Duration.ofSeconds(60);
    Duration pingInterval = Duration.ofSeconds(60);
    Duration pingTimeout = Duration.ofSeconds(60);
    Duration sendTimeout = Duration.ofSeconds(60);
    int maxRecv = 65536;
    int maxBurst = 262144;
    int firstBurst = 65536;
    int maxOutstandingR2t = 4;
    int queueDepth = 32;
    long dataMemory = 64 << 20;

    public Limits sessions(int value) {
      sessions = value;
      return this;
    }

    public Limits connections(int value) {
      connections = value;
      return this;
    }

    public Limits silentConnections(int value) {
      silentConnections = value;
      return this;
    }

    public Limits connectionsBeforeLogin(int value) {
      connectionsBeforeLogin = value;
      return this;
    }

    public Limits connectionsPerAddress(int value) {
      connectionsPerAddress = value;
      return this;
    }

    public Limits sessionsPerInitiator(int value) {
      sessionsPerInitiator = value;
      return this;
    }

    public Limits unsent(long value) {
      unsent = value;
      return this;
    }

    public Limits discoverySessions(int value) {
      discoverySessions = value;
      return this;
    }

    public Limits loginTimeout(Duration value) {
      loginTimeout = value;
      return this;
    }

    public Limits ping(Duration interval, Duration timeout) {
      pingInterval = interval;
      pingTimeout = timeout;
      return this;
    }

    public Limits sendTimeout(Duration value) {
      sendTimeout = value;
      return this;
    }

    public Limits queueDepth(int value) {
      queueDepth = value;
      return this;
    }

    public Limits dataMemory(long value) {
      dataMemory = value;
      return this;
    }

    /** Logins of one address. */
    public Limits loginRate(int burst, int perSecond) {
      loginBurst = burst;
      loginRate = perSecond;
      return this;
    }

    public IscsiLimits build() {
      return new IscsiLimits(
          new LimitsConfig(
              sessions,
              connections,
              silentConnections,
              new PeerLimitsConfig(
                  connectionsPerAddress,
                  connectionsBeforeLogin,
                  loginBurst,
                  loginRate,
                  sessionsPerInitiator,
                  discoverySessions,
                  unsent),
              queueDepth,
              dataMemory,
              1,
              1),
          new IscsiConfig(
              loginTimeout,
              pingInterval,
              pingTimeout,
              sendTimeout,
              maxRecv,
              maxBurst,
              firstBurst,
              maxOutstandingR2t),
          bytesBeforeLogin);
    }
  }
}
