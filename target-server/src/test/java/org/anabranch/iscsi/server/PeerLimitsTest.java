// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.LogWatch;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.login.LoginCounter;
import org.anabranch.iscsi.wire.ConnectionCounter;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How much one peer can take of a server, and that others get in all the same. */
final class PeerLimitsTest {
  private final LogWatch log = new LogWatch();
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
    log.close();
  }

  private TestTarget target(java.util.function.UnaryOperator<TestTarget.Limits> limits) {
    TestTarget target = new TestTarget(limits);
    open.add(target);
    return target;
  }

  private Socket connect(TestTarget target, String from) throws IOException {
    Socket socket = new Socket();
    socket.bind(new InetSocketAddress(from, 0));
    socket.connect(target.portal());
    socket.setSoTimeout((int) TestTarget.SOON.toMillis());
    open.add(socket);
    return socket;
  }

  /** Waits for that, as long as the socket's timeout is. */
  private static boolean isClosed(Socket socket) {
    try {
      return socket.getInputStream().read() < 0;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  private static long displaced(TestTarget target) {
    return target
        .server
        .counts()
        .counters(ConnectionCounter.class)
        .get(ConnectionCounter.DISPLACED);
  }

  private static void logInAndOut(TestTarget target) throws Exception {
    Session session = target.login();
    assertThat(TestTarget.read(session, 0, 8).isGood()).isTrue();
    Initiator.await(session.logout(), 20);
  }

  /** Whoever is closed connects again, from the address of the good initiator. */
  @Test
  void aGoodInitiatorLogsInBesideSilentConnectionsOfItsOwnAddress() throws Exception {
    TestTarget target = target(limits -> limits.silentConnections(16).connections(64));
    AtomicBoolean stop = new AtomicBoolean();
    Deque<Socket> silent = new ArrayDeque<>();
    Thread flood =
        Thread.ofPlatform()
            .start(() -> {
              while (!stop.get()) {
                try {
                  Socket socket = new Socket();
                  socket.connect(target.portal());
                  silent.add(socket);
                  if (silent.size() > 24) {
                    Socket oldest = silent.remove();
                    oldest.setSoTimeout(1000);
                    isClosed(oldest);
                    oldest.close();
                  }
                } catch (IOException e) {
                  // The backlog is full; it tries again.
                }
              }
            });
    try {
      Await.until("the flood has begun", () -> displaced(target) > 100);
      int good = 0;
      for (int i = 0; i < 100; i++) {
        try {
          logInAndOut(target);
          good++;
        } catch (IOException e) {
          // Counted below.
        }
      }
      assertThat(good).as("logins of 100").isGreaterThanOrEqualTo(98);
    } finally {
      stop.set(true);
      flood.join();
      for (Socket socket : silent) {
        socket.close();
      }
    }
    assertThat(log.takeWarnings())
        .allMatch(line -> line.contains("a newer one needed its place") || line.contains("reset"));
  }

  @Test
  void otherAddressesKeepTheirPlaces() throws Exception {
    TestTarget target = target(limits -> limits.silentConnections(4));
    Socket other = connect(target, "127.0.0.2");
    List<Socket> flood = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      flood.add(connect(target, "127.0.0.1"));
    }
    // The oldest go; which these are of some that came at once, depends on the event loops.
    for (Socket each : flood) {
      each.setSoTimeout(50);
    }
    Await.until(
        "all but three are closed",
        () -> flood.stream().filter(PeerLimitsTest::isClosed).count(),
        closed -> closed == 5);
    assertThat(displaced(target)).isEqualTo(5);
    other.setSoTimeout(200);
    Assertions.assertThatThrownBy(() -> other.getInputStream().read())
        .isInstanceOf(java.net.SocketTimeoutException.class);
    assertThat(log.takeWarnings()).hasSize(5).allMatch(line -> line.contains("127.0.0.1"));
  }

  /**
   * A connection that says nothing stays, since one that is closed would come again at once. It
   * takes no place from those who speak.
   */
  @Test
  void silentConnectionsStayAndKeepNobodyOut() throws Exception {
    TestTarget target =
        target(limits -> limits.connectionsPerAddress(2).connections(16).silentConnections(501));
    List<Socket> silent = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      silent.add(connect(target, "127.0.0.1"));
    }
    Session session = target.login();
    logInAndOut(target);
    for (Socket each : silent) {
      each.setSoTimeout(1);
      assertThat(isClosed(each)).isFalse();
    }
    assertThat(displaced(target)).isZero();
    assertThat(log.takeWarnings()).isEmpty();
    // Those that begin to speak are counted, and closed when they are too many of their address.
    try (LoginWire speaks = LoginWire.connect(target)) {
      assertThat(speaks.ask(speaks.loginRequest(0x04, LoginWire.names())).u16(36)).isZero();
      Socket oneTooMany = silent.get(8);
      oneTooMany.getOutputStream().write(0x43);
      oneTooMany.setSoTimeout((int) TestTarget.SOON.toMillis());
      assertThat(isClosed(oneTooMany)).isTrue();
    }
    assertThat(log.takeWarnings())
        .singleElement()
        .asString()
        .endsWith("limit of 2 from one address");
    assertThat(session.isOpen()).isTrue();
  }

  /** A refused connection waits for its peer to close; that takes no place from others. */
  @Test
  void refusedConnectionsThatStayOpenKeepNobodyOut() throws Exception {
    TestTarget target = target(limits -> limits.connectionsBeforeLogin(8).connections(16));
    for (int i = 0; i < 40; i++) {
      Socket socket = connect(target, "127.0.0.1");
      socket.getOutputStream().write(new byte[] {0x43, (byte) 0x87});
      socket.getOutputStream().write(ByteBuffer.allocate(46).array());
      assertThat(socket.getInputStream().readNBytes(48)[36]).as("refused").isEqualTo((byte) 2);
    }
    logInAndOut(target);
    log.takeWarnings();
  }

  @Test
  void oneAddressHasALimitOfConnections() throws Exception {
    TestTarget target = target(limits -> limits.connectionsPerAddress(3));
    List<Session> sessions = List.of(target.login(), target.login(), target.login());
    Socket oneTooMany = connect(target, "127.0.0.1");
    oneTooMany.getOutputStream().write(0x43);
    assertThat(isClosed(oneTooMany)).isTrue();
    Socket elsewhere = connect(target, "127.0.0.2");
    elsewhere.getOutputStream().write(0x43);
    elsewhere.setSoTimeout(200);
    Assertions.assertThatThrownBy(() -> elsewhere.getInputStream().read())
        .isInstanceOf(java.net.SocketTimeoutException.class);
    Initiator.await(sessions.getFirst().logout(), 20);
    Await.until("one is gone", () -> target.server.sessionInfos().size() == 2);
    logInAndOut(target);
    assertThat(log.takeWarnings()).anyMatch(line -> line.endsWith("limit of 3 from one address"));
  }

  @Test
  void oneInitiatorHasALimitOfSessions() throws Exception {
    TestTarget target = target(limits -> limits.sessionsPerInitiator(2));
    target.login();
    target.login();
    LoginException refused =
        Assertions.catchThrowableOfType(LoginException.class, () -> target.login().close());
    assertThat(refused.status()).isEqualTo(0x0302);
    target
        .login(SessionOptions.normal(TestTarget.NAME).as("iqn.2026-11.org.anabranch:else"))
        .close();
    Initiator.await(
        target.initiator.discover(target.portal(), SessionOptions.discovery(), "All"), 20);
    assertThat(log.takeWarnings())
        .singleElement()
        .asString()
        .endsWith("limit of 2 sessions of an initiator");
  }

  /** Discovery sessions that stay keep out neither normal sessions nor discovery. */
  @Test
  void discoverySessionsThatStayKeepNobodyOut() throws Exception {
    TestTarget target =
        target(limits -> limits.sessions(2).discoverySessions(4).connectionsBeforeLogin(30));
    List<Session> stay = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      stay.add(
          Initiator.await(target.initiator.login(target.portal(), SessionOptions.discovery()), 20));
    }
    Await.until("all but four are ended", () -> stay.stream().filter(Session::isOpen).count() == 4);
    assertThat(stay.subList(8, 12)).allMatch(Session::isOpen);
    logInAndOut(target);
    assertThat(
            Initiator.await(
                target.initiator.discover(target.portal(), SessionOptions.discovery(), "All"), 20))
        .isNotEmpty();
    assertThat(
            target
                .server
                .counts()
                .counters(LoginCounter.class)
                .get(LoginCounter.DISCOVERY_DISPLACED))
        .isEqualTo(9);
    target.login();
    target.login();
    assertThat(target.server.sessionInfos()).hasSize(2 + 3);
  }

  @Test
  void anIdleDiscoverySessionEndsSoon() {
    assertThat(org.anabranch.iscsi.login.DiscoveryPolicy.DEFAULT.idleTimeout())
        .isEqualTo(Duration.ofSeconds(30));
  }
}
