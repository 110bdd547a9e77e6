// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
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
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.ServerUnderTest;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.server.ServerInsides;
import org.anabranch.scsi.api.InitiatorPort;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.api.TaskRouter;
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

  /** A device that works ends the old session's commands soon: they are over before. */
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

  /** It does not wait for a device that hangs, and still no old write comes after a new one. */
  @Test
  void theNewSessionBeginsBesideTheWritesThatHang() throws Exception {
    Session old = target.login(options);
    target.disk.hold();
    old.start(Command.out(0, Cdb.write(0, 8, false), ByteBuffer.wrap(blocks(1, 8))));
    Await.until("write reaches the disk", () -> target.disk.heldCount() == 1);
    var login = target.initiator.login(target.portal(), options);
    assertThat(old.connection().awaitClosed(TestTarget.SOON)).isTrue();
    target.patienceEnds();
    Session young = Initiator.await(login, TestTarget.SOON.toSeconds());
    assertThat(ServerInsides.sessions(target.server).all()).hasSize(1);
    ready(young); // unit attention
    assertThat(ready(young).isGood()).isTrue();
    PendingCommand later =
        young.start(Command.out(0, Cdb.write(0, 8, false), ByteBuffer.wrap(blocks(2, 8))));
    assertThat(ready(young).isGood()).as("delivered behind the write").isTrue();
    assertThat(target.disk.heldCount()).as("the new write waits in its task set").isEqualTo(1);

    target.disk.letGo();
    assertThat(Initiator.await(later.response(), TestTarget.SOON.toSeconds()).isGood()).isTrue();
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

  /** An initiator that tries again and again while its commands hang gets in when they do not. */
  @Test
  void thousandsOfLoginsWhileACommandHangs() throws Exception {
    Session old = target.login(options);
    target.disk.hold();
    old.start(Command.out(0, Cdb.write(0, 8, false), ByteBuffer.wrap(blocks(1, 8))));
    Await.until("write reaches the disk", () -> target.disk.heldCount() == 1);
    List<CompletableFuture<Session>> open = new ArrayList<>();
    for (int i = 0; i < 1600; i++) {
      open.add(target.initiator.login(target.portal(), options));
      leave(open, 5); // the limit before login is 8
    }
    leave(open, 1);
    Await.until(
        "only the first and the last are left",
        () -> ServerInsides.sessions(target.server).all().size() == 2);
    target.disk.letGo();
    Session young = Initiator.await(open.getFirst(), TestTarget.SOON.toSeconds());
    ready(young); // unit attention
    assertThat(TestTarget.read(young, 0, 8).isGood()).isTrue();
    assertThat(ServerInsides.sessions(target.server).all()).hasSize(1);
  }

  /** Waits until no more of these logins are not refused. */
  private static void leave(List<CompletableFuture<Session>> open, int most)
      throws InterruptedException {
    Await.until(
        "overtaken logins are refused",
        () -> {
          open.removeIf(CompletableFuture::isCompletedExceptionally);
          return open.size() <= most;
        });
  }

  /** The nexus lives on in the new connection, without the commands that hang. */
  @Test
  void aConnectionIsReinstatedBesideCommandsThatHang() throws Exception {
    Session old = target.login(options);
    target.disk.hold();
    old.start(Command.out(0, Cdb.write(0, 8, false), ByteBuffer.wrap(blocks(1, 8))));
    Await.until("write reaches the disk", () -> target.disk.heldCount() == 1);
    var login = target.initiator.login(target.portal(), options.tsih(old.parameters().tsih()));
    assertThat(old.connection().awaitClosed(TestTarget.SOON)).isTrue();
    target.patienceEnds();
    Session young = Initiator.await(login, TestTarget.SOON.toSeconds());
    assertThat(young.parameters().expCmdSn()).isEqualTo(old.parameters().expCmdSn() + 2);
    assertThat(ServerInsides.sessions(target.server).all()).hasSize(1);
  }

  /** Its logout is answered too. */
  @Test
  void aSessionLogsOutBesideCommandsThatHang() throws Exception {
    Session session = target.login(options);
    target.disk.hold();
    session.start(Command.out(0, Cdb.write(0, 8, false), ByteBuffer.wrap(blocks(1, 8))));
    Await.until("write reaches the disk", () -> target.disk.heldCount() == 1);
    var logout = session.logout();
    target.patienceEnds();
    Initiator.await(logout, TestTarget.SOON.toSeconds());
    Await.until("it is gone", () -> ServerInsides.sessions(target.server).all().isEmpty());
  }

  /** The login that was to take over a nexus goes away before that: the nexus does, too. */
  @Test
  void aNexusThatNobodyTakesOverIsClosed() throws Exception {
    AtomicInteger open = new AtomicInteger();
    try (ServerUnderTest server =
        new ServerUnderTest(1, IscsiLimits.DEFAULTS, next -> new Counting(next, open))) {
      Session old = server.login(ServerUnderTest.options().isid(0x400000009999L));
      ready(old); // unit attention
      server.disk(0).hold();
      old.start(Command.out(0, Cdb.write(0, 8, false), ByteBuffer.wrap(blocks(1, 8))));
      server.disk(0).awaitHeld(1);
      assertThat(open).hasValue(1);
      var login =
          server
              .initiator()
              .login(
                  server.portal(),
                  ServerUnderTest.options().isid(0x400000009999L).tsih(old.parameters().tsih()));
      Await.until("it waits", () -> ServerInsides.sessions(server.server()).all().size() == 2);
      assertThat(login).isNotDone();
      server.initiator().close();
      Await.until("it is gone", () -> ServerInsides.sessions(server.server()).all().size() == 1);
      server.disk(0).letGo(); // or its write was given up by now
      Await.until("the nexus is closed", () -> open.get() == 0);
    }
  }

  /** Counts the nexuses that are open. */
  private record Counting(TaskRouter next, AtomicInteger open) implements TaskRouter {
    @Override
    public Nexus open(InitiatorPort initiator, int port) {
      open.incrementAndGet();
      return next.open(initiator, port);
    }

    @Override
    public void close(Nexus nexus) {
      open.decrementAndGet();
      next.close(nexus);
    }

    @Override
    public void prepare(Task task) {
      next.prepare(task);
    }

    @Override
    public void execute(Task task) {
      next.execute(task);
    }

    @Override
    public void abandon(Task task) {
      next.abandon(task);
    }

    @Override
    public void manage(
        Nexus nexus,
        TaskManagementFunction function,
        long lun,
        int tag,
        Consumer<TaskManagementFunction.Response> done) {
      next.manage(nexus, function, lun, tag, done);
    }
  }
}
