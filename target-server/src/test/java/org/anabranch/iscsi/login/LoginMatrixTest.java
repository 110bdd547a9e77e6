// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import static org.anabranch.iscsi.ServerUnderTest.SECTORS;
import static org.anabranch.iscsi.ServerUnderTest.TARGET;
import static org.anabranch.iscsi.ServerUnderTest.await;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.anabranch.block.count.Counters;
import org.anabranch.initiator.Chap;
import org.anabranch.initiator.ChapCredentials;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.IscsiException;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Parameters;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.RawConnection;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.workload.VerifiedWorkload;
import org.anabranch.initiator.workload.WorkloadOptions;
import org.anabranch.iscsi.ServerUnderTest;
import org.anabranch.jscsi.LoginStatus;
import org.anabranch.naming.AccessList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What logins agree on, and which are refused (RFC 7143 6, 12, 13). */
final class LoginMatrixTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  private static ServerUnderTest server;

  @BeforeAll
  static void start() throws Exception {
    server = new ServerUnderTest(1);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  /** Every way that data can go, with work that shows it does. */
  @ParameterizedTest
  @CsvSource({
    "Yes,Yes,8192,65536,65536,1",
    "Yes,No,8192,65536,65536,1",
    "No,Yes,8192,512,512,1",
    "No,Yes,512,4096,16384,4",
    "No,No,1024,65536,262144,8",
    "No,No,262144,65536,1048576,65535",
    "No,Yes,16777215,16777215,16777215,2",
    "Yes,No,65536,512,16777215,3",
    // No multiples of four: what ends a burst and not the transfer would need a pad.
    "Yes,No,513,512,1001,1",
    "No,Yes,513,1001,1001,2",
    "No,Yes,8192,513,4097,4",
    "Yes,Yes,513,4097,4097,1"
  })
  void burstsAndSegments(
      String initialR2t, String immediate, int segment, int first, int burst, int r2ts)
      throws Exception {
    burstsAndSegments(options(), initialR2t, immediate, segment, first, burst, r2ts);
    burstsAndSegments(
        options().digests(true, true), initialR2t, immediate, segment, first, burst, r2ts);
  }

  private static void burstsAndSegments(
      SessionOptions options,
      String initialR2t,
      String immediate,
      int segment,
      int first,
      int burst,
      int r2ts)
      throws Exception {
    Session session =
        server.login(
            options
                .key("InitialR2T", initialR2t)
                .key("ImmediateData", immediate)
                .key("MaxRecvDataSegmentLength", Integer.toString(segment))
                .key("FirstBurstLength", Integer.toString(first))
                .key("MaxBurstLength", Integer.toString(burst))
                .key("MaxOutstandingR2T", Integer.toString(r2ts)));
    Parameters agreed = session.parameters();
    assertThat(agreed.initialR2t()).isEqualTo(initialR2t.equals("Yes"));
    assertThat(agreed.immediateData()).isEqualTo(immediate.equals("Yes"));
    assertThat(agreed.maxBurst()).isLessThanOrEqualTo(burst);
    assertThat(agreed.firstBurst()).isLessThanOrEqualTo(Math.min(first, agreed.maxBurst()));
    assertThat(Integer.parseInt(agreed.keys().get("MaxOutstandingR2T"))).isBetween(1, r2ts);
    Disk disk = await(Disk.open(session, 0));
    await(
        session.submit(
            org.anabranch.initiator.Command.out(
                0,
                org.anabranch.initiator.Cdb.write(0, SECTORS, false),
                java.nio.ByteBuffer.allocate(SECTORS * 512))));
    VerifiedWorkload.on(disk, WorkloadOptions.mixed(9, SECTORS, 60).queueDepth(4)).run();
    await(session.logout());
  }

  @ParameterizedTest
  @CsvSource({
    "HeaderDigest,CRC32C,CRC32C",
    "HeaderDigest,'CRC32C,None',CRC32C",
    "HeaderDigest,'None,CRC32C',None",
    "DataDigest,'X-unknown,None',None",
    "MaxConnections,8,1",
    "ErrorRecoveryLevel,2,0",
    "DataPDUInOrder,No,Yes",
    "DataSequenceInOrder,No,Yes",
    "DefaultTime2Wait,0,*",
    "DefaultTime2Retain,3600,*",
    "InitialR2T,Maybe,Reject",
    "MaxBurstLength,12,Reject",
    "MaxBurstLength,lots,Reject",
    "MaxOutstandingR2T,0,Reject",
    "X-org.example.key,1,NotUnderstood",
    "OFMarker,Yes,*",
    "TaskReporting,'RFC3720,ResponseFence',*"
  })
  void answers(String key, String offered, String answer) throws Exception {
    try {
      Session session = server.login(options().key(key, offered));
      String answered = session.parameters().keys().get(key);
      if (answer.equals("*")) {
        assertThat(answered).isNotNull();
      } else {
        assertThat(answered).isEqualTo(answer);
      }
      await(Disk.open(session, 0));
      await(session.logout());
    } catch (LoginException e) {
      // A value that can't be may end the login instead of being rejected alone.
      assertThat(answer).isEqualTo("Reject");
      assertThat(e.status()).isEqualTo(0x0200);
    }
  }

  @Test
  void withoutASecurityStage() throws Exception {
    await(server.login(options().securityStage(false)).logout());
  }

  @Test
  void defaultsWhereNothingIsOffered() throws Exception {
    SessionOptions bare = options();
    for (String key : options().keys().keySet()) {
      bare = bare.without(key);
    }
    Session session = server.login(bare);
    Disk disk = await(Disk.open(session, 0));
    await(disk.write(0, java.nio.ByteBuffer.allocate(1 << 20)));
    VerifiedWorkload.on(disk, WorkloadOptions.mixed(3, SECTORS, 1).queueDepth(1).mix(0, 0, 0, 0))
        .run();
    await(session.logout());
  }

  /** A key list longer than a PDU, which goes in pieces (C bit). */
  @Test
  void aLongRequestInPieces() throws Exception {
    SessionOptions many = options();
    for (int i = 0; i < 150; i++) {
      many = many.key("X-org.example.a-rather-long-key-number-" + i, "v".repeat(60));
    }
    Session session = server.login(many);
    assertThat(session.parameters().keys()).containsValue("NotUnderstood");
    await(session.logout());
  }

  @Test
  void refusals() {
    refused(0x0203, SessionOptions.normal(TARGET + "x"));
    refused(0x020a, options().tsih(0x7777));
    refused(0x0201, options().key("AuthMethod", "None").chap(joe(Chap.MD5)).securityStage(true));
  }

  private static ChapCredentials joe(Chap... algorithms) {
    return ChapCredentials.of("joe", "a secret of joe's", algorithms);
  }

  private static void refused(int status, SessionOptions options) {
    long before = counted(status);
    assertThatThrownBy(() -> server.login(options))
        .isInstanceOfSatisfying(
            LoginException.class, e -> assertThat(e.status()).isEqualTo(status));
    assertThat(counted(status)).as("refusals with %04x", status).isEqualTo(before + 1);
  }

  /** How many logins were refused with a status. */
  private static long counted(int status) {
    Counters<LoginRefusal> refusals = server.server().counts().counters(LoginRefusal.class);
    for (LoginStatus each : LoginStatus.values()) {
      if (each.code() == status) {
        return refusals.get(LoginRefusal.with(each));
      }
    }
    throw new AssertionError(String.format("no status %04x", status));
  }

  @Test
  void chap() throws Exception {
    String target = TARGET + ":chap";
    org.anabranch.iscsi.login.ChapCredentials wanted =
        new org.anabranch.iscsi.login.ChapCredentials(
            "joe", "a secret of joe's", "server", "the secret of the server");
    server
        .server()
        .put(
            new TargetNode(
                target,
                null,
                server.device(),
                AccessList.EVERYBODY,
                List.of(wanted),
                java.util.Set.of()));
    try {
      SessionOptions to = SessionOptions.normal(target);
      for (Chap algorithm : Chap.values()) {
        await(server.login(to.chap(joe(algorithm))).logout());
        await(
            server
                .login(to.chap(joe(algorithm).mutual("server", "the secret of the server")))
                .logout());
      }
      refused(0x0201, to);
      refused(0x0201, to.securityStage(false));
      refused(0x0201, to.chap(ChapCredentials.of("joe", "a secret of jim's", Chap.MD5)));
      refused(0x0201, to.chap(ChapCredentials.of("jim", "a secret of joe's", Chap.MD5)));
      for (ChapCredentials doubted :
          List.of(
              joe(Chap.SHA256).mutual("server", "another secret"),
              joe(Chap.SHA256).mutual("servant", "the secret of the server"))) {
        assertThatThrownBy(() -> server.login(to.chap(doubted)))
            .isInstanceOf(IscsiException.class)
            .hasMessageContaining("did not prove");
      }
    } finally {
      server.server().remove(target);
    }
  }

  /** First PDUs that are wrong, and how they are refused. */
  @Test
  void firstRequestsThatCannotBe() throws Exception {
    String names = "InitiatorName=iqn.2026-11.org.example:i\0";
    String session = names + "SessionType=Normal\0TargetName=" + TARGET + "\0";
    // No InitiatorName; no TargetName; unknown session type; a repeated key; a stage that is not.
    assertThat(first(Requests.login(1, 0, 1, 0, 0x87).data("SessionType=Normal\0")))
        .isEqualTo(0x0207);
    assertThat(first(Requests.login(1, 0, 1, 0, 0x87).data(names))).isEqualTo(0x0207);
    assertThat(first(Requests.login(1, 0, 1, 0, 0x87).data(names + "SessionType=Odd\0")))
        .isEqualTo(0x0209);
    assertThat(first(Requests.login(1, 0, 1, 0, 0x87).data(session + names))).isEqualTo(0x0200);
    assertThat(first(Requests.login(1, 0, 1, 0, 0x8b).data(session))).isEqualTo(0x0200);
    assertThat(first(Requests.login(1, 0, 1, 0, 0x84).data(session))).isEqualTo(0x0200);
    // Version 1 to 1 only.
    assertThat(first(Requests.login(1, 0, 1, 0, 0x87).u8(2, 1).u8(3, 1).data(session)))
        .isEqualTo(0x0205);
    // Transit and continue together.
    assertThat(first(Requests.login(1, 0, 1, 0, 0xc7).data(session))).isEqualTo(0x0200);
  }

  /** The status of the answer, or -1 for a connection that was closed without one. */
  private static int first(Pdu request) throws Exception {
    Counters<LoginRefusal> refusals = server.server().counts().counters(LoginRefusal.class);
    long before = refusals.all().stream().mapToLong(refusals::get).sum();
    try (RawConnection connection = server.connect()) {
      connection.send(request);
      Pdu answer = connection.receive(LONG);
      assertThat(refusals.all().stream().mapToLong(refusals::get).sum()).isEqualTo(before + 1);
      assertThat(answer.opcode()).isEqualTo(Opcode.LOGIN_RESPONSE);
      assertThat(connection.awaitClosed(LONG)).as("closed after the refusal").isTrue();
      return answer.u16(36);
    } catch (IscsiException e) {
      return -1;
    }
  }
}
