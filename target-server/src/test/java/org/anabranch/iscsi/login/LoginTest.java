// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.naming.AccessList;
import org.anabranch.naming.AddressRange;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Login over the wire: stages, refusals, texts, limits. */
final class LoginTest {
  private TestTarget target;

  @BeforeEach
  void start() {
    target = new TestTarget();
  }

  @AfterEach
  void stop() {
    target.close();
  }

  private void with(AccessList access) {
    target.server.put(target.node(TestTarget.NAME, access, null, java.util.Set.of()));
  }

  private static AccessList from(String... addresses) {
    return new AccessList(
        List.of(),
        java.util.stream.Stream.of(addresses)
            .map(range -> java.util.Objects.requireNonNull(AddressRange.parse(range)))
            .toList());
  }

  private static int refusal(java.util.concurrent.CompletableFuture<Session> login) {
    LoginException refused =
        Assertions.catchThrowableOfType(LoginException.class, () -> Initiator.await(login, 20));
    assertThat(refused).as("login is refused").isNotNull();
    return refused.status();
  }

  private int refusal(SessionOptions options) {
    return refusal(target.initiator.login(target.portal(), options));
  }

  // --- who is refused -----------------------------------------------------------------------

  @Test
  void anUnknownTargetIsNotFound() {
    assertThat(refusal(SessionOptions.normal("iqn.2026-11.org.anabranch:other"))).isEqualTo(0x0203);
  }

  @Test
  void aTargetOfAnotherPortalGroupIsNotFound() {
    target.server.put(
        target.node(TestTarget.NAME, AccessList.EVERYBODY, null, java.util.Set.of(2)));
    assertThat(refusal(SessionOptions.normal(TestTarget.NAME))).isEqualTo(0x0203);
  }

  @Test
  void namesAreComparedInLowerCase() throws Exception {
    with(AccessList.named("iqn.2026-11.org.anabranch:INITIATOR"));
    try (Session session =
        target.login(
            SessionOptions.normal("IQN.2026-11.org.Anabranch:Test")
                .as("iqn.2026-11.org.anabranch:Initiator"))) {
      assertThat(session.isOpen()).isTrue();
    }
  }

  /** QEMU takes a virtual machine's name as it is; Unicode has two forms of one name. */
  @ParameterizedTest
  @CsvSource({
    "iqn.2008-11.org.linux-kvm:my_vm, iqn.2008-11.org.linux-kvm:My_VM",
    "iqn.2008-11.org.linux-kvm:my vm, iqn.2008-11.org.linux-kvm:My VM",
    "iqn.2026-11.org.example:z\u00fcrich, iqn.2026-11.org.example:zu\u0308rich",
    "iqn.2026-11.org.example:zu\u0308rich, iqn.2026-11.org.example:Z\u00dcRICH",
    "client1, Client1",
    "iqn.2026-11.org.example:a/b*c, iqn.2026-11.org.example:a/b*c"
  })
  void namesOfTheFieldLogInAndCanBeConfigured(String configured, String used) throws Exception {
    with(AccessList.named(configured));
    target.login(SessionOptions.normal(TestTarget.NAME).as(used)).close();
    with(AccessList.named(configured + "x"));
    assertThat(refusal(SessionOptions.normal(TestTarget.NAME).as(used))).isEqualTo(0x0203);
  }

  @Test
  void namesMayBeRepeatedInAnotherSpelling() throws Exception {
    for (String key : List.of("InitiatorName", "TargetName")) {
      try (LoginWire wire = LoginWire.connect(target)) {
        Map<String, String> keys = LoginWire.names();
        assertThat(wire.ask(wire.loginRequest(0x04, keys)).u16(36)).isZero();
        keys.computeIfPresent(key, (name, value) -> value.toUpperCase(java.util.Locale.ROOT));
        Pdu answer = wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, keys));
        assertThat(answer.u16(36)).as(key).isZero();
      }
    }
  }

  /** No key is answered twice, whatever is wrong with its value or with who declares it. */
  @ParameterizedTest
  @CsvSource({
    "MaxRecvDataSegmentLength, 1, Reject",
    "MaxRecvDataSegmentLength, 16777216, Reject",
    "MaxRecvDataSegmentLength, lots, Reject",
    "TargetPortalGroupTag, 7, 1",
    "TargetAlias, mine, a disk",
    "TargetAddress, 192.0.2.1, Reject",
    "InitialR2T, Maybe, Reject"
  })
  void aKeyHasOneAnswer(String key, String value, String answered) throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Map<String, String> keys = LoginWire.names();
      keys.put(key, value);
      Pdu answer = wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, keys));
      assertThat(answer.u16(36)).isZero();
      String text = new String(answer.dataBytes(), java.nio.charset.StandardCharsets.UTF_8);
      assertThat(text.split("\0", -1))
          .filteredOn(pair -> pair.startsWith(key + "="))
          .containsExactly(key + "=" + answered);
    }
  }

  @Test
  void anInitiatorOutsideTheListFindsNoTarget() throws Exception {
    with(AccessList.named("iqn.1993-08.org.debian:*"));
    assertThat(refusal(SessionOptions.normal(TestTarget.NAME))).isEqualTo(0x0203);
    target.login(SessionOptions.normal(TestTarget.NAME).as("iqn.1993-08.org.debian:01:ab")).close();
  }

  @Test
  void anAddressOutsideTheListFindsNoTarget() throws Exception {
    with(from("192.0.2.0/24", "2001:db8::/32"));
    assertThat(refusal(SessionOptions.normal(TestTarget.NAME))).isEqualTo(0x0203);
    with(from("127.0.0.0/8"));
    target.login().close();
  }

  @Test
  void namesAreMissed() throws Exception {
    for (String missing : List.of("InitiatorName", "TargetName")) {
      try (LoginWire wire = LoginWire.connect(target)) {
        Map<String, String> keys = LoginWire.names();
        keys.remove(missing);
        Pdu answer = wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, keys));
        assertThat(answer.u16(36)).as(missing).isEqualTo(0x0207);
        wire.expectClosed();
      }
    }
  }

  @Test
  void aHigherVersionIsNotSupported() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Pdu answer =
          wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, LoginWire.names()).u8(3, 1));
      assertThat(answer.u16(36)).isEqualTo(0x0205);
      wire.expectClosed();
    }
  }

  @Test
  void aSessionThatDoesNotExistCannotBeJoined() {
    assertThat(refusal(SessionOptions.normal(TestTarget.NAME).tsih(77))).isEqualTo(0x020a);
  }

  @Test
  void aSessionHasOneConnection() throws Exception {
    SessionOptions options = SessionOptions.normal(TestTarget.NAME);
    try (Session session = target.login(options)) {
      SessionOptions second = options.tsih(session.parameters().tsih()).cid(1);
      assertThat(refusal(second)).isEqualTo(0x0206);
      assertThat(session.isOpen()).isTrue();
    }
  }

  /** T, C, CSG and NSG in all their combinations; the reserved bits mean nothing (11.12). */
  @Test
  void everyCombinationOfStagesIsAnswered() throws Exception {
    for (int flags = 0; flags < 256; flags++) {
      boolean transit = (flags & 0x80) != 0;
      boolean continues = (flags & 0x40) != 0;
      int current = flags >> 2 & 3;
      int next = flags & 3;
      boolean possible = current < 2 && (!transit || (!continues && next != 2 && next > current));
      try (LoginWire wire = LoginWire.connect(target)) {
        Map<String, String> keys = LoginWire.names();
        Pdu answer = wire.ask(wire.loginRequest(flags, keys));
        String what = String.format("flags %02x", flags);
        assertThat(answer.opcode()).as(what).isEqualTo(Opcode.LOGIN_RESPONSE);
        assertThat(answer.u16(36)).as(what).isEqualTo(possible ? 0 : 0x0200);
        if (possible) {
          assertThat(answer.flags() & 0xcc).as(what).isEqualTo(flags & 0x8c);
        } else {
          wire.expectClosed();
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"0x81, 0x00", "0x00, 0x04", "0x04, 0x87", "0x04, 0x00"})
  void aStageIsNotLeftWithoutT(String first, String second) throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Map<String, String> keys = LoginWire.names();
      assertThat(wire.ask(wire.loginRequest(Integer.decode(first), keys)).u16(36)).isZero();
      int answer = wire.ask(wire.loginRequest(Integer.decode(second), Map.of())).u16(36);
      assertThat(answer).isEqualTo(second.equals("0x87") ? 0 : 0x0200);
    }
  }

  @Test
  void aLoginRequestOfAnotherLoginIsRefused() throws Exception {
    for (int at : new int[] {9, 15, 19, 21}) { // ISID, TSIH, task tag, CID
      try (LoginWire wire = LoginWire.connect(target)) {
        assertThat(wire.ask(wire.loginRequest(0x04, LoginWire.names())).u16(36)).isZero();
        Pdu other = wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, Map.of());
        assertThat(wire.ask(other.u8(at, other.u8(at) ^ 1)).u16(36))
            .as("byte " + at)
            .isEqualTo(512);
        wire.expectClosed();
      }
    }
  }

  @Test
  void namesMayBeRepeatedButNotChanged() throws Exception {
    for (String key : List.of("InitiatorName", "TargetName", "SessionType", "")) {
      try (LoginWire wire = LoginWire.connect(target)) {
        Map<String, String> keys = LoginWire.names();
        assertThat(wire.ask(wire.loginRequest(0x04, keys)).u16(36)).isZero();
        keys.computeIfPresent(key, (name, value) -> value + "x");
        Pdu answer = wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, keys));
        assertThat(answer.u16(36)).as(key).isEqualTo(key.isEmpty() ? 0 : 0x0200);
        assertThat(LoginWire.text(answer)).doesNotContainKey("InitiatorName");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a\tname", "a\nname", "a\u0085name", "a\u2028name", "a\u202ename", "a,name", ""})
  void namesThatAreNoneAreRefused(String name) throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Map<String, String> keys = LoginWire.names();
      keys.put("InitiatorName", name);
      Pdu answer = wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, keys));
      assertThat(answer.u16(36)).isEqualTo(name.isEmpty() ? 0x0207 : 0x0200);
    }
  }

  @Test
  void textWithoutMeaningIsRefused() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Pdu request = wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, LoginWire.names());
      assertThat(wire.ask(request.data("no key at all\0")).u16(36)).isEqualTo(0x0200);
    }
  }

  @Test
  void anotherPduDuringLoginIsInvalid() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Map<String, String> keys = LoginWire.names();
      keys.put("AuthMethod", "None");
      assertThat(wire.ask(wire.loginRequest(0x00, keys)).u16(36)).isZero();
      Pdu answer = wire.ask(Requests.nopOut(3));
      assertThat(answer.opcode()).isEqualTo(Opcode.LOGIN_RESPONSE);
      assertThat(answer.u16(36)).isEqualTo(0x020b);
      wire.expectClosed();
    }
  }

  @Test
  void aFirstPduThatIsNoLoginDropsTheConnection() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      wire.send(Requests.nopOut(3));
      wire.expectClosed();
    }
  }

  @Test
  void garbageDropsTheConnection() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      byte[] garbage = new byte[100];
      java.util.Arrays.fill(garbage, (byte) 'x');
      wire.connection.sendBytes(garbage);
      wire.expectClosed();
    }
    target.login().close();
  }

  // --- stages and texts ---------------------------------------------------------------------

  @Test
  void securityThenOperationalThenFull() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Map<String, String> keys = LoginWire.names();
      keys.put("AuthMethod", "CHAP,None");
      Pdu first = wire.ask(wire.loginRequest(LoginWire.SECURITY_TO_OPERATIONAL, keys));
      assertThat(first.flags()).isEqualTo(LoginWire.SECURITY_TO_OPERATIONAL);
      assertThat(LoginWire.text(first))
          .containsEntry("AuthMethod", "None")
          .containsEntry("TargetPortalGroupTag", "1")
          .containsEntry("TargetAlias", "a disk");
      assertThat(first.u16(14)).as("TSIH").isZero();

      Pdu second =
          wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, Map.of("InitialR2T", "No")));
      assertThat(second.flags()).isEqualTo(LoginWire.OPERATIONAL_TO_FULL);
      assertThat(LoginWire.text(second))
          .containsEntry("InitialR2T", "No")
          .containsEntry("MaxRecvDataSegmentLength", "65536");
      assertThat(second.u16(14)).as("TSIH").isNotZero();
      assertThat(second.i64(8) >>> 16).as("ISID").isEqualTo(LoginWire.ISID);
      assertThat(second.statSn()).isEqualTo(first.statSn() + 1);
    }
  }

  @Test
  void textMayGoOnInTheNextRequest() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      String whole = String.valueOf((char) 0);
      StringBuilder text = new StringBuilder();
      LoginWire.names().forEach((k, v) -> text.append(k).append('=').append(v).append(whole));
      text.append("MaxBurstLength=131072").append(whole);
      for (int i = 0; i < text.length(); i += 7) {
        boolean last = i + 7 >= text.length();
        Pdu request =
            wire.loginRequest(last ? LoginWire.OPERATIONAL_TO_FULL : 0x44, Map.of())
                .data(text.substring(i, Math.min(i + 7, text.length())));
        Pdu answer = wire.ask(request);
        assertThat(answer.u16(36)).isZero();
        if (last) {
          assertThat(LoginWire.text(answer)).containsEntry("MaxBurstLength", "131072");
        } else {
          assertThat(answer.dataSegmentLength()).isZero();
          assertThat(answer.flags()).isEqualTo(0x04);
        }
      }
    }
  }

  /** An answer of more than 8192 bytes goes out in pieces, each asked for (C bit). */
  @Test
  void anAnswerMayGoOnInTheNextResponse() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      StringBuilder names = new StringBuilder();
      LoginWire.names().forEach((k, v) -> names.append(k).append('=').append(v).append('\0'));
      Pdu first = wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, Map.of());
      StringBuilder text = new StringBuilder(names);
      for (int i = 0; i < 1000; i++) {
        text.append("X-k").append(i).append("=\0");
      }
      Pdu answer = wire.ask(first.data(text.toString()));
      int length = 0;
      while ((answer.flags() & 0x40) != 0) {
        assertThat(answer.flags()).as("C in the operational stage, no T").isEqualTo(0x44);
        assertThat(answer.dataSegmentLength()).isEqualTo(8192);
        length += 8192;
        answer = wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, Map.of()));
      }
      length += answer.dataSegmentLength();
      assertThat(length).isGreaterThan(1000 * "X-k0=NotUnderstood".length());
      assertThat(answer.flags()).isEqualTo(0x04);
      answer = wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, Map.of()));
      assertThat(answer.flags()).isEqualTo(LoginWire.OPERATIONAL_TO_FULL);
    }
  }

  @Test
  void textInTheMiddleOfAnAnswerIsRefused() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Map<String, String> keys = LoginWire.names();
      for (int i = 0; i < 1000; i++) {
        keys.put("X-k" + i, "");
      }
      assertThat(wire.ask(wire.loginRequest(0x04, keys)).flags()).isEqualTo(0x44);
      assertThat(wire.ask(wire.loginRequest(0x04, Map.of("InitialR2T", "No"))).u16(36))
          .isEqualTo(0x0200);
      wire.expectClosed();
    }
  }

  @Test
  void tooMuchTextIsRefused() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Pdu piece = wire.loginRequest(0x44, Map.of()).data(new byte[8000]);
      assertThat(wire.ask(piece).u16(36)).isZero();
      assertThat(wire.ask(piece.copy()).u16(36)).isZero();
      assertThat(wire.ask(piece.copy()).u16(36)).as("16 KiB are the limit").isEqualTo(0x0200);
      wire.expectClosed();
    }
  }

  @Test
  void aLengthThatNeverComesAndAdditionalHeadersAreRefused() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Pdu endless = wire.loginRequest(0x04, Map.of()).dataSegmentLength(0xff_ffff);
      assertThat(wire.ask(endless).u16(36)).isEqualTo(0x0200);
      wire.expectClosed();
    }
    try (LoginWire wire = LoginWire.connect(target)) {
      Pdu additional = wire.loginRequest(0x04, LoginWire.names()).ahs(new byte[4]);
      assertThat(wire.ask(additional).u16(36)).isEqualTo(0x0200);
      wire.expectClosed();
    }
  }

  @Test
  void aSilentClientIsDropped() throws Exception {
    try (TestTarget impatient =
            new TestTarget(limits -> limits.loginTimeout(Duration.ofMillis(50)));
        LoginWire wire = LoginWire.connect(impatient)) {
      wire.expectClosed();
    }
  }

  @Test
  void connectionsBeforeLoginAreLimited() throws Exception {
    try (TestTarget small = new TestTarget(limits -> limits.connectionsBeforeLogin(2));
        LoginWire one = LoginWire.connect(small);
        LoginWire two = LoginWire.connect(small)) {
      assertThat(two.ask(two.loginRequest(0x04, LoginWire.names())).u16(36)).isZero();
      one.connection.sendBytes((byte) 0x43);
      LoginWire three = LoginWire.connect(small);
      three.connection.sendBytes((byte) 0x43);
      one.expectClosed();
      try (LoginWire four = LoginWire.connect(small)) {
        assertThat(four.ask(four.loginRequest(0x04, LoginWire.names())).u16(36)).isZero();
        three.expectClosed();
        assertThat(two.ask(two.loginRequest(0x87, LoginWire.names())).u16(36)).isZero();
      }
    }
  }

  /** Those that have logged in count, and room is made as soon as one goes. */
  @Test
  void connectionsAreLimited() throws Exception {
    try (TestTarget small = new TestTarget(limits -> limits.connections(3))) {
      Session one = small.login();
      Session two = small.login(SessionOptions.normal(TestTarget.NAME));
      try (LoginWire three = LoginWire.connect(small)) {
        // Its answer shows that it came first: two loops may take up two connections in either
        // order.
        assertThat(three.ask(three.loginRequest(0x04, LoginWire.names())).u16(36)).isZero();
        LoginWire four = LoginWire.connect(small);
        assertThat(four.ask(four.loginRequest(0x87, LoginWire.names())).u16(36)).isZero();
        three.expectClosed(); // it has not logged in
        for (int i = 0; i < 3; i++) {
          try (LoginWire five = LoginWire.connect(small)) {
            five.connection.sendBytes((byte) 0x43);
            five.expectClosed();
          }
        }
        one.connection().reset();
        Await.until("it is missed", () -> small.server.sessionInfos().size() == 2);
        small.login(SessionOptions.normal(TestTarget.NAME)).close();
        assertThat(two.isOpen()).isTrue();
        four.close();
      }
    }
  }

  @Test
  void sessionsAreLimited() throws Exception {
    try (TestTarget small = new TestTarget(limits -> limits.sessions(1))) {
      Session first = small.login();
      assertThat(
              refusal(
                  small.initiator.login(small.portal(), SessionOptions.normal(TestTarget.NAME))))
          .isEqualTo(0x0302);
      first.logout().get();
      Await.until("session is gone", () -> small.server.sessionInfos().isEmpty());
      small.login().close();
    }
  }
}
