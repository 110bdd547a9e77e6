// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.iscsi.ServerUnderTest.await;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.Counted;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.PendingCommand;
import org.anabranch.initiator.RawConnection;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.TaskManagement;
import org.anabranch.iscsi.ServerUnderTest;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.Wire;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What connections, logins and sessions count, over real connections, exactly. */
final class IscsiCountsTest {
  private ServerUnderTest server;

  @BeforeEach
  void start() throws Exception {
    server = new ServerUnderTest(1);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private Map<String, Long> counted() {
    return Counted.moved(server.server().counts());
  }

  private Map<String, Long> ofTheSession() {
    return Counted.moved(server.server().sessionInfos().getFirst().counts());
  }

  private static Map<String, Long> map(Object... pairs) {
    Map<String, Long> map = new TreeMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put((String) pairs[i], ((Number) pairs[i + 1]).longValue());
    }
    return map;
  }

  private void awaitCount(String counter, long value) {
    Await.until(counter, () -> counted().getOrDefault(counter, 0L), now -> now == value);
  }

  @Test
  void aSessionCountsItsCommandsAndBytes() throws Exception {
    Session session = server.login(options().key("InitialR2T", "Yes").key("ImmediateData", "No"));
    await(session.submit(Command.of(0, Cdb.testUnitReady()))); // takes the unit attention
    for (int i = 0; i < 3; i++) {
      await(session.submit(Command.in(0, Cdb.read(0, 8), 4096)));
    }
    ByteBuffer data = ByteBuffer.allocate(16384);
    for (int i = 0; i < 2; i++) {
      await(session.submit(Command.out(0, Cdb.write(64, 32, false), data.duplicate())));
    }
    assertThat(await(session.manage(TaskManagement.ABORT_TASK_SET, 0))).isZero();
    assertThat(ofTheSession())
        .isEqualTo(
            map(
                "session commands", 6,
                "session data-in-bytes", 3 * 4096,
                "session data-out-bytes", 2 * 16384,
                "session r2ts", 2,
                "session task-management-requests", 1));
    assertThat(Counted.moved(server.unit(0).counts()))
        .isEqualTo(
            map(
                "unit others", 1,
                "unit other latency", 1,
                "unit check-conditions", 1,
                "unit reads", 3,
                "unit read latency", 3,
                "unit read-bytes", 3 * 4096,
                "unit writes", 2,
                "unit write latency", 2,
                "unit written-bytes", 2 * 16384));
    await(session.logout());
  }

  @Test
  void immediateDataCountsWhereItComes() throws Exception {
    Session session = server.login(options().key("InitialR2T", "No").key("ImmediateData", "Yes"));
    await(session.submit(Command.of(0, Cdb.testUnitReady())));
    ByteBuffer data = ByteBuffer.allocate(4096);
    await(session.submit(Command.out(0, Cdb.write(0, 8, false), data)));
    assertThat(ofTheSession())
        .isEqualTo(map("session commands", 2, "session data-out-bytes", 4096));
    await(session.logout());
  }

  @Test
  void loginsAndTheEndsOfSessions() throws Exception {
    await(server.initiator().discover(server.portal()));
    awaitCount("login discovery-logins", 1);
    await(server.login(options()).logout());
    awaitCount("login logouts", 1);
    server.login(options().isid(7)).connection().reset();
    awaitCount("login sessions-lost", 1);
    server.login(options().isid(8));
    Session again = server.login(options().isid(8)); // takes the place of the one before
    awaitCount("login sessions-lost", 2);
    server.server().drop(server.server().sessionInfos().getFirst().tsih());
    awaitCount("login sessions-ended", 1);
    again.close();
    assertThat(counted())
        .isEqualTo(
            map(
                "connection accepted", 5,
                "connection dropped", 1, // the one that was reset
                "login logins", 4,
                "login discovery-logins", 1,
                "login reinstatements", 1,
                "login logouts", 1,
                "login sessions-lost", 2,
                "login sessions-ended", 1));
  }

  @Test
  void digestErrorsAndRejects() throws Exception {
    try (Wire wire = new Wire(server, options().digests(true, true))) {
      wire.send(Requests.nopOut(1).data("ping").corruptDataDigest());
      assertThat(Wire.describe(wire.receive())).isEqualTo("reject 02");
      assertThat(ofTheSession())
          .containsEntry("session data-digest-errors", 1L)
          .containsEntry("session rejects", 1L);
      wire.connection().send(new Pdu(0x1e).flags(FINAL).cmdSn(wire.cmdSn() - 1));
      assertThat(Wire.describe(wire.receive())).isEqualTo("reject 05");
      assertThat(ofTheSession()).containsEntry("session rejects", 2L);
    }
    assertThat(counted())
        .containsEntry("connection data-digest-errors", 1L)
        .containsEntry("connection rejects", 2L)
        .doesNotContainKey("connection header-digest-errors");
  }

  @Test
  void aWrongHeaderDigestDropsTheConnection() throws Exception {
    try (Wire wire = new Wire(server, options().digests(true, true))) {
      wire.send(
          Requests.command(0, wire.nextTag(), Cdb.testUnitReady(), FINAL, 0).corruptHeaderDigest());
      assertThat(wire.connection().awaitClosed(TestTarget.SOON)).isTrue();
    }
    awaitCount("login sessions-lost", 1);
    assertThat(counted())
        .isEqualTo(
            map(
                "connection accepted", 1,
                "connection dropped", 1,
                "connection header-digest-errors", 1,
                "login logins", 1,
                "login sessions-lost", 1));
  }

  @Test
  void abortedCommandsAreNotAnswered() throws Exception {
    Session session = server.login(options());
    await(session.submit(Command.of(0, Cdb.testUnitReady())));
    server.disk(0).hold();
    PendingCommand read = session.start(Command.in(0, Cdb.read(0, 1), 512));
    server.disk(0).awaitHeld(1);
    var aborted = session.abort(read);
    Await.until("the abort", () -> ofTheSession().containsKey("session task-management-requests"));
    server.disk(0).letGo();
    assertThat(await(aborted)).isZero();
    assertThat(ofTheSession())
        .isEqualTo(map("session commands", 1, "session task-management-requests", 1));
    assertThat(Counted.moved(server.unit(0).counts()))
        .containsEntry("unit aborted", 1L)
        .doesNotContainKey("unit reads");
    await(session.logout());
  }

  @Test
  void refusalsAreCountedByTheirStatus() {
    refused(SessionOptions.normal(ServerUnderTest.TARGET + "x"));
    refused(options().tsih(0x7777));
    refused(options().tsih(0x7777));
    assertThat(counted())
        .isEqualTo(
            map(
                "connection accepted", 3,
                "login-refusals not-found", 1,
                "login-refusals session-does-not-exist", 2));
  }

  private void refused(SessionOptions options) {
    assertThatThrownBy(() -> server.login(options)).isInstanceOf(LoginException.class);
  }

  @Test
  void connectionsAboveTheLimitAreCounted() throws Exception {
    try (TestTarget small = new TestTarget(limits -> limits.connections(1))) {
      Session session = small.login();
      try (RawConnection refused = await(small.initiator.connect(small.portal()))) {
        refused.sendBytes((byte) 0x43); // a connection that says nothing takes no place
        assertThat(refused.awaitClosed(TestTarget.SOON)).isTrue();
      }
      assertThat(Counted.moved(small.server.counts()))
          .isEqualTo(map("connection accepted", 2, "connection refused", 1, "login logins", 1));
      await(session.logout());
    }
  }
}
