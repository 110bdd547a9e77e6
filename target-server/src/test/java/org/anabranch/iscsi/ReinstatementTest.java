// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.PendingCommand;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A session, or its connection, in place of an older one (RFC 7143 6.3.4, 6.3.5). */
final class ReinstatementTest {
  private final TestTarget target = new TestTarget();
  private final SessionOptions options = SessionOptions.normal(TestTarget.NAME);

  @AfterEach
  void stop() {
    target.close();
  }

  private static byte[] blocks(int fill, int count) {
    byte[] data = new byte[count * 512];
    Arrays.fill(data, (byte) fill);
    return data;
  }

  private static Response ready(Session session) throws Exception {
    return session.submit(Command.of(0, Cdb.testUnitReady())).get();
  }

  @Test
  void aNewLoginWithTheSameNamesEndsTheOldSession() throws Exception {
    Session old = target.login(options);
    Session young = target.login(options);
    assertThat(old.connection().awaitClosed(TestTarget.SOON)).isTrue();
    assertThat(young.parameters().tsih()).isNotEqualTo(old.parameters().tsih());
    assertThat(target.server.sessionInfos()).hasSize(1);
    assertThat(TestTarget.write(young, 0, blocks(1, 8)).isGood()).isTrue();
  }

  /** Each response to it has the TSIH that it asks for, not only the last one (11.13.3). */
  @Test
  void aLoginWithATsihIsAnsweredWithIt() throws Exception {
    try (LoginWire old = target.wire(Map.of());
        LoginWire young = LoginWire.connect(target)) {
      int tsih = target.server.sessionInfos().getFirst().tsih();
      Map<String, String> names = LoginWire.names();
      for (int flags : new int[] {0x00, LoginWire.SECURITY_TO_OPERATIONAL, 0x04, 0x87}) {
        StringBuilder text = new StringBuilder();
        names.forEach((key, value) -> text.append(key).append('=').append(value).append('\0'));
        Pdu answer =
            young.ask(
                Requests.login(LoginWire.ISID, tsih, 1, 0, flags).cmdSn(1).data(text.toString()));
        assertThat(answer.u16(36)).as("status").isZero();
        assertThat(answer.u16(14)).as("TSIH").isEqualTo(tsih);
        names.clear();
      }
      old.expectClosed();
    }
  }

  @Test
  void theNewSessionBeginsWhenTheOldOnesWritesHaveEnded() throws Exception {
    Session old = target.login(options);
    target.disk.hold();
    PendingCommand late =
        old.start(Command.out(0, Cdb.write(0, 8, false), ByteBuffer.wrap(blocks(1, 8))));
    Await.until("write reaches the disk", () -> target.disk.heldCount() == 1);
    var login = target.initiator.login(target.portal(), options);
    assertThat(old.connection().awaitClosed(TestTarget.SOON)).isTrue();
    assertThat(login).isNotDone();

    target.disk.letGo();
    Session young = Initiator.await(login, TestTarget.SOON.toSeconds());
    ready(young); // unit attention
    assertThat(late.response()).isCompletedExceptionally();
    assertThat(TestTarget.write(young, 0, blocks(2, 8)).isGood()).isTrue();
    assertThat(TestTarget.read(young, 0, 8).bytes()).isEqualTo(blocks(2, 8));
  }

  @Test
  void otherIsidsAndOtherNamesAreOtherSessions() throws Exception {
    Session one = target.login(options);
    Session two = target.login(SessionOptions.normal(TestTarget.NAME));
    Session three = target.login(options.as("iqn.2026-11.org.anabranch:other"));
    assertThat(target.server.sessionInfos()).hasSize(3);
    for (Session session : new Session[] {one, two, three}) {
      assertThat(ready(session).isGood()).isTrue();
    }
  }

  @Test
  void aNewConnectionOfTheSameIdKeepsTheNexus() throws Exception {
    Session old = target.login(options);
    int tsih = old.parameters().tsih();
    Session young =
        Initiator.await(
            target.initiator.login(target.portal(), options.tsih(tsih)),
            TestTarget.SOON.toSeconds());
    assertThat(old.connection().awaitClosed(TestTarget.SOON)).isTrue();
    assertThat(young.parameters().tsih()).isEqualTo(tsih);
    assertThat(target.server.sessionInfos()).hasSize(1);
    // One command has been sent on the old connection; its number is not used again.
    assertThat(young.parameters().expCmdSn()).isEqualTo(old.parameters().expCmdSn() + 1);
  }

  @Test
  void aConnectionOfAnotherIdIsOneTooMany() throws Exception {
    Session session = target.login(options);
    SessionOptions second = options.tsih(session.parameters().tsih()).cid(9);
    LoginException refused =
        Assertions.catchThrowableOfType(
            LoginException.class,
            () -> Initiator.await(target.initiator.login(target.portal(), second), 20));
    assertThat(refused.status()).isEqualTo(0x0206);
    assertThat(ready(session).isGood()).isTrue();
  }

  @Test
  void aConnectionIsReinstatedWhenItsCommandsHaveEnded() throws Exception {
    Session old = target.login(options);
    target.disk.hold();
    old.start(Command.out(0, Cdb.write(0, 8, false), ByteBuffer.wrap(blocks(1, 8))));
    Await.until("write reaches the disk", () -> target.disk.heldCount() == 1);
    var login = target.initiator.login(target.portal(), options.tsih(old.parameters().tsih()));
    assertThat(old.connection().awaitClosed(TestTarget.SOON)).isTrue();
    assertThat(login).isNotDone();
    target.disk.letGo();
    Session young = Initiator.await(login, TestTarget.SOON.toSeconds());
    assertThat(young.parameters().expCmdSn()).isEqualTo(old.parameters().expCmdSn() + 2);
  }

  @Test
  void manyLoginsForOnePlaceLeaveOneSession() throws Exception {
    target.login(options);
    var logins = new java.util.ArrayList<java.util.concurrent.CompletableFuture<Session>>();
    for (int i = 0; i < 20; i++) {
      logins.add(target.initiator.login(target.portal(), options));
    }
    int open = 0;
    for (var login : logins) {
      try {
        Initiator.await(login, TestTarget.SOON.toSeconds());
        open++;
      } catch (org.anabranch.initiator.IscsiException e) {
        // lost its place to a later one
      }
    }
    assertThat(open).isPositive();
    Await.until("one is left", () -> target.server.sessionInfos().size() == 1);
  }
}
