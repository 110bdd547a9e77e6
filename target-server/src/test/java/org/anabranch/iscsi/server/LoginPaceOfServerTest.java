// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.login.LoginCounter;
import org.junit.jupiter.api.Test;

/** A peer that logs in without end is slowed down, and nobody else. */
final class LoginPaceOfServerTest {
  private static final int BURST = 5;
  private static final int RATE = 20;

  /** A login request without text: it is refused, for lack of a name. */
  private static byte[] request() {
    byte[] pdu = new byte[48];
    pdu[0] = 0x43;
    pdu[1] = (byte) 0x87; // T, from operational negotiation to full feature phase
    pdu[8] = (byte) 0x80;
    return pdu;
  }

  private static void flood(InetSocketAddress portal, AtomicBoolean stop, AtomicInteger answered) {
    while (!stop.get()) {
      try (Socket socket = new Socket()) {
        socket.bind(new InetSocketAddress("127.0.0.9", 0));
        socket.connect(portal);
        socket.setSoTimeout((int) TestTarget.SOON.toMillis());
        socket.getOutputStream().write(request());
        if (socket.getInputStream().readNBytes(48).length == 48) {
          answered.incrementAndGet();
        }
      } catch (IOException e) {
        // It comes again.
      }
    }
  }

  @Test
  void aFloodOfLoginsSlowsItselfDownOnly() throws Exception {
    try (TestTarget target =
        new TestTarget(limits -> limits.loginRate(BURST, RATE).connectionsBeforeLogin(32))) {
      AtomicBoolean stop = new AtomicBoolean();
      AtomicInteger answered = new AtomicInteger();
      List<Thread> floods = new ArrayList<>();
      long begin = System.nanoTime();
      try {
        for (int i = 0; i < 8; i++) {
          floods.add(Thread.ofPlatform().start(() -> flood(target.portal(), stop, answered)));
        }
        Await.until(
            "the flood waits",
            () ->
                target.server.counts().counters(LoginCounter.class).get(LoginCounter.WAITED) > 20);
        for (int i = 0; i < BURST; i++) {
          long login = System.nanoTime();
          Session session = target.login(); // from another address
          assertThat(Duration.ofNanos(System.nanoTime() - login)).isLessThan(TestTarget.SOON);
          assertThat(TestTarget.read(session, 0, 8).isGood()).isTrue();
          Initiator.await(session.logout(), 20);
        }
        Await.until("it still gets answers", () -> answered.get() > 30);
      } finally {
        stop.set(true);
        for (Thread flood : floods) {
          flood.join();
        }
      }
      double seconds = (System.nanoTime() - begin) / 1e9;
      assertThat(answered.get()).isLessThanOrEqualTo((int) (BURST + RATE * seconds + 1));
    }
  }
}
