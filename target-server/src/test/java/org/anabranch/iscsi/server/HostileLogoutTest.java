// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Session;
import org.anabranch.iscsi.LogWatch;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.session.SessionInfo;
import org.junit.jupiter.api.Test;

/** Peers that do not take the asynchronous message that ends their session, or ignore it. */
final class HostileLogoutTest {
  /** Longer than a connection lingers for its last PDU, on a busy machine. */
  private static final Duration SOON = Duration.ofSeconds(10);

  private final AtomicBoolean stop = new AtomicBoolean();
  private final List<Thread> senders = new ArrayList<>();

  private static LoginWire wire(TestTarget target, String name) throws Exception {
    return target.wire(Map.of("InitiatorName", "iqn.2026-11.org.anabranch:" + name));
  }

  /** Sends pings and takes no notice of what comes back. */
  private void floods(LoginWire wire) {
    senders.add(
        Thread.ofPlatform()
            .start(() ->
                wire.flood(
                    Integer.MAX_VALUE,
                    stop,
                    () -> Requests.nopOut(wire.nextTag()).immediate(true).cmdSn(wire.cmdSn))));
  }

  /** One of each kind. */
  private void hostilePeers(TestTarget target) throws Exception {
    LoginWire unread = wire(target, "unread");
    unread.connection.stopReading();
    for (int i = 0; i < 32; i++) {
      unread.send(unread.command(Cdb.read(0, 2048), Requests.FINAL | Requests.READ, 1 << 20));
    }
    LoginWire half = wire(target, "half");
    half.connection.sendPart(Requests.nopOut(half.nextTag()).immediate(true), 20);
    LoginWire data = wire(target, "data");
    data.send(data.write(0, 2048, true)); // asked for, and never sent
    wire(target, "deaf");
    floods(wire(target, "flood"));
    Await.until("all are there", () -> target.server.sessionInfos().size() == 6);
  }

  private void end() throws InterruptedException {
    stop.set(true);
    for (Thread sender : senders) {
      sender.join();
    }
  }

  @Test
  void droppedSessionsEndWhateverTheirPeersDo() throws Exception {
    try (LogWatch log = new LogWatch();
        TestTarget target = new TestTarget()) {
      Session good = target.login();
      int mine = target.server.sessionInfos().getFirst().tsih();
      hostilePeers(target);
      long begin = System.nanoTime();
      for (SessionInfo info : target.server.sessionInfos()) {
        if (info.tsih() != mine) {
          assertThat(target.server.drop(info.tsih())).isTrue();
        }
      }
      Await.until("their sessions are gone", () -> target.server.sessionInfos().size() == 1);
      Await.until("their sockets are closed", () -> ServerInsides.connections(target.server) == 1);
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(SOON);
      Await.until("memory is back", () -> ServerInsides.unsent(target.server) == 0);
      assertThat(TestTarget.read(good, 0, 8).isGood()).isTrue();
      end();
      log.takeWarnings();
    }
  }

  @Test
  void aStopWaitsForNoneOfThemLongerThanItMay() throws Exception {
    try (LogWatch log = new LogWatch();
        TestTarget target = new TestTarget()) {
      target.login();
      hostilePeers(target);
      long begin = System.nanoTime();
      target.server.stop(Duration.ofSeconds(2));
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(SOON);
      assertThat(target.server.sessionInfos()).isEmpty();
      end();
      log.takeWarnings();
    }
  }
}
