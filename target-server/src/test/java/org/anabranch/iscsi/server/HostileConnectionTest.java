// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.anabranch.iscsi.ServerUnderTest.await;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelOutboundBuffer;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Random;
import org.anabranch.config.IscsiConfig;
import org.anabranch.config.LimitsConfig;
import org.anabranch.config.PeerLimitsConfig;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.RawConnection;
import org.anabranch.initiator.Requests;
import org.anabranch.iscsi.ServerUnderTest;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.session.Session;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Connections that mean no good, or nothing at all: each costs that connection only, while a
 * session beside it goes on with verified I/O.
 */
final class HostileConnectionTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  private ServerUnderTest server;
  private ServerUnderTest.Bystander bystander;

  @BeforeEach
  void start() throws Exception {
    IscsiLimits d = IscsiLimits.DEFAULTS;
    server =
        new ServerUnderTest(
            2,
            new IscsiLimits(
                new LimitsConfig(
                    d.sessions(),
                    d.connections(),
                    d.silentConnections(),
                    new PeerLimitsConfig(1000, 8, 10_000, 10_000, 100, 8, 64 << 20),
                    d.queueDepth(),
                    d.dataMemory(),
                    1,
                    1),
                new IscsiConfig(
                    Duration.ofSeconds(3),
                    Duration.ofSeconds(2),
                    Duration.ofSeconds(2),
                    Duration.ofSeconds(2),
                    d.maxRecvDataSegmentLength(),
                    d.maxBurstLength(),
                    d.firstBurstLength(),
                    d.maxOutstandingR2t())));
    bystander = server.bystander(0);
  }

  @AfterEach
  void stop() throws Exception {
    try {
      bystander.finish();
    } finally {
      server.close();
    }
  }

  private void assertDropped(RawConnection connection) throws Exception {
    assertThat(connection.awaitClosed(LONG)).as("the server drops the connection").isTrue();
    bystander.assertUnharmed();
  }

  @Test
  void garbage() throws Exception {
    Random random = new Random(7);
    for (int i = 0; i < 20; i++) {
      byte[] bytes = new byte[1 + random.nextInt(8192)];
      random.nextBytes(bytes);
      try (RawConnection connection = server.connect()) {
        connection.sendBytes(bytes);
        assertDropped(connection);
      }
    }
  }

  @Test
  void garbageThatBeginsAsALogin() throws Exception {
    Random random = new Random(8);
    for (int i = 0; i < 20; i++) {
      byte[] text = new byte[random.nextInt(2048)];
      random.nextBytes(text);
      try (RawConnection connection = server.connect()) {
        connection.send(Requests.login(random.nextLong() >>> 16, 0, 1, 0, 0x87).data(text));
        assertDropped(connection);
      }
    }
  }

  @Test
  void silence() throws Exception {
    try (RawConnection connection = server.connect()) {
      assertDropped(connection);
    }
  }

  @Test
  void halfALoginThenSilence() throws Exception {
    try (RawConnection connection = server.connect()) {
      connection.sendPart(Requests.login(1, 0, 1, 0, 0x87).data("InitiatorName=iqn.x\0"), 50);
      assertDropped(connection);
    }
  }

  @Test
  void aLoginThatNeverEnds() throws Exception {
    try (RawConnection connection = server.connect()) {
      byte[] text = new byte[4096];
      java.util.Arrays.fill(text, (byte) 'a');
      for (int i = 0; i < 100 && connection.isOpen(); i++) {
        connection.send(Requests.login(1, 0, 1, 0, 0x40).data(text));
      }
      assertDropped(connection);
    }
  }

  /** More connections that keep silent than may be open before login. */
  @Test
  void moreSilentConnectionsThanThereMayBe() throws Exception {
    RawConnection[] silent = new RawConnection[16];
    for (int i = 0; i < silent.length; i++) {
      silent[i] = server.connect();
    }
    for (RawConnection connection : silent) {
      assertDropped(connection);
    }
    await(server.login(options()).logout());
  }

  @Test
  void aSessionThatFallsSilent() throws Exception {
    try (RawConnection connection = server.connect()) {
      await(server.initiator().logIn(connection, options()));
      Pdu ping = connection.receive(LONG);
      assertThat(ping.opcode()).isEqualTo(Opcode.NOP_IN);
      assertThat(ping.transferTag()).isNotEqualTo(Pdu.NO_TAG);
      assertDropped(connection);
    }
  }

  /** Asks for much, reads nothing: the answers must not pile up, and the connection must go. */
  @Test
  void aSessionThatStopsReading() throws Exception {
    try (RawConnection connection = server.connect()) {
      await(server.initiator().logIn(connection, options()));
      connection.stopReading();
      for (int sn = 1; sn <= 100; sn++) {
        connection.send(
            Requests.command(
                    Command.flatLun(1),
                    sn,
                    Cdb.read(0, 2048),
                    Requests.FINAL | Requests.READ,
                    1 << 20)
                .cmdSn(sn));
      }
      // Nothing can be seen of the end while nothing is read, so look at the server.
      long deadline = System.nanoTime() + LONG.toNanos();
      while (server.server().sessionInfos().size() > 1) {
        assertThat(System.nanoTime()).as("the session is dropped").isLessThan(deadline);
        bystander.assertUnharmed();
        await(bystander.disk().session().ping(new byte[0]));
      }
    }
  }

  /** Whatever it asks for without a command: the answers must not pile up, either. */
  @ParameterizedTest
  @ValueSource(strings = {"pings", "rejects"})
  void aSessionThatStopsReadingTheAnswersTo(String what) throws Exception {
    try (RawConnection connection = server.connect()) {
      await(server.initiator().logIn(connection, options()));
      connection.stopReading();
      Session session =
          server.server().sessions().all().stream()
              .filter(s -> s.connection().remoteAddress().equals(connection.localAddress()))
              .findFirst()
              .orElseThrow();
      if (what.equals("pings")) {
        for (int i = 0; i < 160; i++) {
          connection.send(Requests.nopOut(i).immediate(true).cmdSn(1).data(new byte[262_144]));
        }
      } else {
        byte[] many = new byte[48 * 1000];
        for (int at = 0; at < many.length; at += 48) {
          many[at] = 0x5e; // an opcode that is none
        }
        for (int i = 0; i < 150; i++) {
          connection.sendBytes(many);
        }
      }
      long deadline = System.nanoTime() + LONG.toNanos();
      while (server.server().sessions().all().contains(session)) {
        ChannelOutboundBuffer queue = session.connection().channel().unsafe().outboundBuffer();
        assertThat(queue == null ? 0 : queue.totalPendingWriteBytes())
            .as("bytes of answers that wait")
            .isLessThan(6 << 20);
        assertThat(System.nanoTime()).as("the session is dropped").isLessThan(deadline);
      }
      bystander.assertUnharmed();
    }
  }

  /** 48 bytes of header that announce 20 more: it was enough to exhaust another target's memory. */
  @Test
  void anAdditionalHeaderOfTwentyBytes() throws Exception {
    for (int type = 0; type < 4; type++) {
      byte[] ahs = new byte[20];
      ahs[0] = (byte) 0xff;
      ahs[1] = (byte) 0xff;
      ahs[2] = (byte) type;
      try (RawConnection before = server.connect()) {
        before.send(Requests.login(1, 0, 1, 0, 0x87).ahs(ahs));
        assertDropped(before);
      }
      try (RawConnection connection = server.connect()) {
        await(server.initiator().logIn(connection, options()));
        connection.send(
            Requests.command(0, 1, Cdb.testUnitReady(), Requests.FINAL, 0).cmdSn(1).ahs(ahs));
        connection.send(Requests.nopOut(2).immediate(true).cmdSn(1).data("still there"));
        // Rejected or executed, but not believed: 65535 bytes of header are not waited for.
        assertThat(connection.receive(LONG).taskTag()).isIn(1, Pdu.NO_TAG);
        Pdu echo = connection.receive(LONG);
        assertThat(echo.opcode()).isEqualTo(Opcode.NOP_IN);
        assertThat(echo.dataBytes()).isEqualTo("still there".getBytes(UTF_8));
      }
      bystander.assertUnharmed();
    }
  }

  @Test
  void aConnectionCutInTheMiddleOfAWrite() throws Exception {
    for (int cut = 0; cut < 10; cut++) {
      RawConnection connection = server.connect();
      await(server.initiator().logIn(connection, options()));
      Pdu write =
          Requests.command(
                  Command.flatLun(1),
                  1,
                  Cdb.write(0, 16, false),
                  Requests.FINAL | Requests.WRITE,
                  8192)
              .cmdSn(1)
              .data(ByteBuffer.allocate(8192));
      connection.sendPart(write, 1 + cut * 900);
      if (cut % 2 == 0) {
        connection.reset();
      } else {
        connection.close();
      }
      bystander.assertUnharmed();
    }
  }
}
