// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Text exchanges in full feature phase, to the flag (RFC 7143 7.4, 11.10, 11.11). */
final class TextTest {
  private final TestTarget target = new TestTarget();

  @AfterEach
  void stop() {
    target.close();
  }

  private static Pdu request(LoginWire wire, int transferTag, int flags, String text) {
    return Requests.text(7, transferTag).flags(flags).cmdSn(wire.cmdSn++).data(text);
  }

  private static Pdu ask(LoginWire wire, int transferTag, int flags, String text) throws Exception {
    Pdu answer = wire.ask(request(wire, transferTag, flags, text));
    assertThat(answer.opcode()).as("opcode of " + answer).isEqualTo(Opcode.TEXT_RESPONSE);
    assertThat(answer.taskTag()).isEqualTo(7);
    assertThat(answer.expCmdSn()).isEqualTo(wire.cmdSn);
    return answer;
  }

  private static String text(Pdu pdu) {
    return new String(pdu.dataBytes(), StandardCharsets.UTF_8);
  }

  /** Only MaxRecvDataSegmentLength and SendTargets mean something here. */
  @ParameterizedTest
  @CsvSource({
    "MaxConnections=4, MaxConnections=Reject",
    "HeaderDigest=CRC32C, HeaderDigest=Reject",
    "InitialR2T=No, InitialR2T=Reject",
    "ErrorRecoveryLevel=2, ErrorRecoveryLevel=Reject",
    "AuthMethod=None, AuthMethod=Reject",
    "InitiatorName=iqn.2026-11.org.example:x, InitiatorName=Reject",
    "SessionType=Discovery, SessionType=Reject",
    "TargetAlias=mine, TargetAlias=Reject",
    "TargetPortalGroupTag=1, TargetPortalGroupTag=Reject",
    "CHAP_A=5, CHAP_A=Reject",
    "IFMarker=No, IFMarker=Reject",
    "X-org.example.key=1, X-org.example.key=NotUnderstood",
    "NoSuchKey=1, NoSuchKey=NotUnderstood",
    "X-org.example.key=NotUnderstood, ''",
    "HeaderDigest=Reject, ''",
    "InitiatorAlias=a host, ''",
    "InitiatorAlias=a host;X-a=1, X-a=NotUnderstood",
    "MaxRecvDataSegmentLength=1, MaxRecvDataSegmentLength=Reject"
  })
  void whatMeansNothingHereIsSaidSo(String offered, String answered) throws Exception {
    try (LoginWire wire = target.wire(Map.of())) {
      Pdu answer = ask(wire, Pdu.NO_TAG, Requests.FINAL, offered.replace(';', '\0') + "\0");
      assertThat(text(answer)).isEqualTo(answered.isEmpty() ? "" : answered + "\0");
      assertThat(answer.flags()).isEqualTo(Requests.FINAL);
      assertThat(answer.transferTag()).isEqualTo(Pdu.NO_TAG);
    }
  }

  /** In which case a name comes is all one, here as in a login. */
  @Test
  void aTargetsNameInCapitals() throws Exception {
    try (LoginWire wire = target.wire(Map.of())) {
      String name = TestTarget.NAME.toUpperCase(java.util.Locale.ROOT);
      assertThat(text(ask(wire, Pdu.NO_TAG, Requests.FINAL, "SendTargets=" + name + "\0")))
          .contains("TargetName=" + TestTarget.NAME + "\0");
    }
  }

  @Test
  void aRequestInPiecesIsAnsweredWhenItIsWhole() throws Exception {
    try (LoginWire wire = target.wire(Map.of())) {
      Pdu first = ask(wire, Pdu.NO_TAG, 0x40, "X-org.exa");
      assertThat(first.flags()).as("neither F nor C").isZero();
      assertThat(first.dataSegmentLength()).isZero();
      assertThat(first.transferTag()).isNotEqualTo(Pdu.NO_TAG);
      Pdu second = ask(wire, first.transferTag(), 0x40, "mple.key=");
      assertThat(second.transferTag()).isEqualTo(first.transferTag());
      Pdu last = ask(wire, first.transferTag(), Requests.FINAL, "1\0");
      assertThat(text(last)).isEqualTo("X-org.example.key=NotUnderstood\0");
      assertThat(last.flags()).isEqualTo(Requests.FINAL);
    }
  }

  /** A request without F is never answered with F. */
  @Test
  void theInitiatorEndsTheExchange() throws Exception {
    try (LoginWire wire = target.wire(Map.of())) {
      Pdu first = ask(wire, Pdu.NO_TAG, 0, "X-a=1\0");
      assertThat(first.flags()).isZero();
      assertThat(text(first)).isEqualTo("X-a=NotUnderstood\0");
      Pdu last = ask(wire, first.transferTag(), Requests.FINAL, "");
      assertThat(last.flags()).isEqualTo(Requests.FINAL);
      assertThat(last.dataSegmentLength()).isZero();
    }
  }

  @Test
  void anAnswerInPiecesIsAskedForPieceByPiece() throws Exception {
    try (LoginWire wire = target.wire(Map.of("MaxRecvDataSegmentLength", "512"))) {
      StringBuilder keys = new StringBuilder();
      for (int i = 0; i < 100; i++) {
        keys.append("X-k").append(i).append("=\0");
      }
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      Pdu answer = ask(wire, Pdu.NO_TAG, Requests.FINAL, keys.toString());
      while ((answer.flags() & 0x40) != 0) {
        assertThat(answer.flags()).as("C, and therefore not F").isEqualTo(0x40);
        assertThat(answer.dataSegmentLength()).isEqualTo(512);
        all.writeBytes(answer.dataBytes());
        answer = ask(wire, answer.transferTag(), Requests.FINAL, "");
      }
      all.writeBytes(answer.dataBytes());
      assertThat(answer.flags()).isEqualTo(Requests.FINAL);
      assertThat(all.toString(StandardCharsets.UTF_8))
          .isEqualTo(keys.toString().replace("=", "=NotUnderstood"));
    }
  }

  @Test
  void textInTheMiddleOfAnAnswerEndsTheExchange() throws Exception {
    try (LoginWire wire = target.wire(Map.of("MaxRecvDataSegmentLength", "512"))) {
      String keys = "X-a=1\0X-b=1\0X-c=1\0X-d=1\0";
      StringBuilder many = new StringBuilder(keys);
      for (int i = 0; i < 50; i++) {
        many.append("X-k").append(i).append("=\0");
      }
      Pdu answer = ask(wire, Pdu.NO_TAG, Requests.FINAL, many.toString());
      assertThat(answer.flags()).isEqualTo(0x40);
      wire.send(request(wire, answer.transferTag(), Requests.FINAL, "X-e=1\0"));
      wire.expectReject(0x04);
      wire.send(request(wire, answer.transferTag(), Requests.FINAL, ""));
      wire.expectReject(0x09);
      assertThat(text(ask(wire, Pdu.NO_TAG, Requests.FINAL, "X-f=1\0")))
          .isEqualTo("X-f=NotUnderstood\0");
    }
  }

  @Test
  void aNewExchangeEndsTheOldOne() throws Exception {
    try (LoginWire wire = target.wire(Map.of())) {
      Pdu old = ask(wire, Pdu.NO_TAG, 0x40, "X-a");
      assertThat(text(ask(wire, Pdu.NO_TAG, Requests.FINAL, "X-b=1\0")))
          .isEqualTo("X-b=NotUnderstood\0");
      wire.send(request(wire, old.transferTag(), Requests.FINAL, "=1\0"));
      wire.expectReject(0x09);
    }
  }

  @Test
  void aSegmentLengthAgreedOnHereHolds() throws Exception {
    try (LoginWire wire = target.wire(Map.of("MaxRecvDataSegmentLength", "65536"))) {
      assertThat(ask(wire, Pdu.NO_TAG, Requests.FINAL, "MaxRecvDataSegmentLength=512\0").data())
          .satisfies(data -> assertThat(data.remaining()).isZero());
      Pdu ping = Requests.nopOut(9).cmdSn(wire.cmdSn++).data(new byte[2000]);
      assertThat(wire.ask(ping).dataSegmentLength()).isEqualTo(512);
    }
  }
}
