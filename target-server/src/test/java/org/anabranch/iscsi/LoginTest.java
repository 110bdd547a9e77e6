// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.initiator.Chap;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Login over the wire: stages, refusals, CHAP. */
final class LoginTest {
  private static final String SECRET = "twelve-bytes-or-more";
  private static final String OTHER_SECRET = "another-one-altogether";

  private TestTarget target;

  @BeforeEach
  void start() {
    target = new TestTarget();
  }

  @AfterEach
  void stop() {
    target.close();
  }

  private void with(AccessList access, @Nullable ChapCredentials chap) {
    target.server.put(target.node(TestTarget.NAME, access, chap, java.util.Set.of()));
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
    with(new AccessList(List.of("iqn.2026-11.org.anabranch:INITIATOR"), List.of()), null);
    try (Session session =
        target.login(
            SessionOptions.normal("IQN.2026-11.org.Anabranch:Test")
                .as("iqn.2026-11.org.anabranch:Initiator"))) {
      assertThat(session.isOpen()).isTrue();
    }
  }

  @Test
  void anInitiatorOutsideTheListIsNotAuthorized() throws Exception {
    with(new AccessList(List.of("iqn.1993-08.org.debian:*"), List.of()), null);
    assertThat(refusal(SessionOptions.normal(TestTarget.NAME))).isEqualTo(0x0202);
    target.login(SessionOptions.normal(TestTarget.NAME).as("iqn.1993-08.org.debian:01:ab")).close();
  }

  @Test
  void anAddressOutsideTheListIsNotAuthorized() throws Exception {
    with(new AccessList(List.of(), List.of("192.0.2.0/24", "2001:db8::/32")), null);
    assertThat(refusal(SessionOptions.normal(TestTarget.NAME))).isEqualTo(0x0202);
    with(new AccessList(List.of(), List.of("127.0.0.0/8")), null);
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

  @ParameterizedTest
  @CsvSource({
    "0x80, security to security",
    "0x86, operational to a reserved stage",
    "0x84, operational back to security",
    "0xc7, T and C together",
    "0x8c, full feature phase to security"
  })
  void stagesThatMakeNoSenseAreRefused(String flags, String what) throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Pdu answer = wire.ask(wire.loginRequest(Integer.decode(flags), LoginWire.names()));
      assertThat(answer.u16(36)).as(what).isEqualTo(0x0200);
      wire.expectClosed();
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

  @Test
  void tooMuchTextDropsTheConnection() throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      for (int i = 0; i < 3; i++) {
        wire.send(wire.loginRequest(0x44, Map.of()).data(new byte[8000]));
      }
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
        LoginWire two = LoginWire.connect(small)) {
      LoginWire one = LoginWire.connect(small);
      try (LoginWire three = LoginWire.connect(small)) {
        three.expectClosed();
      }
      one.connection.reset();
      assertThat(two.ask(two.loginRequest(0x04, LoginWire.names())).u16(36)).isZero();
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
      TestTarget.until("session is gone", () -> small.server.sessionInfos().isEmpty());
      small.login().close();
    }
  }

  // --- CHAP ---------------------------------------------------------------------------------

  private static org.anabranch.initiator.ChapCredentials proof(
      String user, String secret, Chap algorithm) {
    return org.anabranch.initiator.ChapCredentials.of(user, secret, algorithm);
  }

  @ParameterizedTest
  @EnumSource
  void chapProvesTheInitiator(Chap algorithm) throws Exception {
    with(AccessList.EVERYBODY, new ChapCredentials("user", SECRET));
    SessionOptions options = SessionOptions.normal(TestTarget.NAME);
    target.login(options.chap(proof("user", SECRET, algorithm))).close();
    assertThat(refusal(options.chap(proof("user", "wrong", algorithm)))).isEqualTo(0x0201);
    assertThat(refusal(options.chap(proof("nobody", SECRET, algorithm)))).isEqualTo(0x0201);
    assertThat(refusal(options)).isEqualTo(0x0201);
    assertThat(refusal(options.securityStage(false))).isEqualTo(0x0201);
  }

  @ParameterizedTest
  @EnumSource
  void mutualChapProvesTheTarget(Chap algorithm) throws Exception {
    with(AccessList.EVERYBODY, new ChapCredentials("user", SECRET, "us", OTHER_SECRET));
    SessionOptions options = SessionOptions.normal(TestTarget.NAME);
    target.login(options.chap(proof("user", SECRET, algorithm).mutual("us", OTHER_SECRET))).close();
    target.login(options.chap(proof("user", SECRET, algorithm))).close();
  }

  @ParameterizedTest
  @CsvSource({"0x1234", "0bQUJD", "0X", "name with spaces", "0x", "gr\u00fcn"})
  void aChapNameIsTextWhateverItLooksLike(String user) throws Exception {
    with(AccessList.EVERYBODY, new ChapCredentials(user, SECRET));
    target
        .login(SessionOptions.normal(TestTarget.NAME).chap(proof(user, SECRET, Chap.MD5)))
        .close();
  }

  /** Goes as far as the challenge, then answers with these keys. */
  private int chapStatus(
      java.util.function.Function<Map<String, String>, Map<String, String>> reply)
      throws Exception {
    with(AccessList.EVERYBODY, new ChapCredentials("user", SECRET, "us", OTHER_SECRET));
    try (LoginWire wire = LoginWire.connect(target)) {
      Map<String, String> keys = LoginWire.names();
      keys.put("AuthMethod", "CHAP");
      assertThat(LoginWire.text(wire.ask(wire.loginRequest(0x00, keys))))
          .containsEntry("AuthMethod", "CHAP");
      Map<String, String> challenge =
          LoginWire.text(wire.ask(wire.loginRequest(0x00, Map.of("CHAP_A", "9,5,7"))));
      assertThat(challenge).containsEntry("CHAP_A", "5").containsKeys("CHAP_I", "CHAP_C");
      return wire.ask(wire.loginRequest(LoginWire.SECURITY_TO_OPERATIONAL, reply.apply(challenge)))
          .u16(36);
    }
  }

  private static byte[] right(Map<String, String> challenge) {
    byte[] value = Objects.requireNonNull(ChapNumber.parse(challenge.getOrDefault("CHAP_C", "")));
    return Chap.MD5.response(Integer.parseInt(challenge.getOrDefault("CHAP_I", "")), SECRET, value);
  }

  private static Map<String, String> answer(String response) {
    return new LinkedHashMap<>(Map.of("CHAP_N", "user", "CHAP_R", response));
  }

  @Test
  void chapResponsesMayBeHexadecimalOrBase64() throws Exception {
    assertThat(chapStatus(c -> answer(ChapNumber.hex(right(c))))).isZero();
    assertThat(
            chapStatus(c ->
                answer(
                    "0X"
                        + ChapNumber.hex(right(c))
                            .substring(2)
                            .toUpperCase(java.util.Locale.ROOT))))
        .isZero();
    assertThat(
            chapStatus(c -> answer("0b" + java.util.Base64.getEncoder().encodeToString(right(c)))))
        .isZero();
  }

  @ParameterizedTest
  @CsvSource({"''", "0x", "0b", "12", "0xzz", "0b!!!!", "0b", "nonsense"})
  void malformedChapResponsesAreRefused(String response) throws Exception {
    assertThat(chapStatus(c -> answer(response))).isEqualTo(0x0201);
  }

  @Test
  void oversizeChapResponsesAreRefused() throws Exception {
    assertThat(chapStatus(c -> answer(ChapNumber.hex(right(c)) + "00"))).isEqualTo(0x0201);
    assertThat(chapStatus(c -> answer("0x" + "00".repeat(2000)))).isEqualTo(0x0201);
    assertThat(
            chapStatus(c ->
                answer("0bb3ZlcnNpemUK" + java.util.Base64.getEncoder().encodeToString(right(c)))))
        .isEqualTo(0x0201);
  }

  @Test
  void aReflectedChallengeIsRefused() throws Exception {
    assertThat(
            chapStatus(c -> {
              Map<String, String> keys = answer(ChapNumber.hex(right(c)));
              keys.put("CHAP_I", "7");
              keys.put("CHAP_C", c.getOrDefault("CHAP_C", ""));
              return keys;
            }))
        .isEqualTo(0x0201);
  }

  @ParameterizedTest
  @CsvSource({"256", "-1", "x", "''"})
  void aBadIdentifierIsRefused(String identifier) throws Exception {
    assertThat(
            chapStatus(c -> {
              Map<String, String> keys = answer(ChapNumber.hex(right(c)));
              keys.put("CHAP_I", identifier);
              keys.put("CHAP_C", "0x0011223344556677");
              return keys;
            }))
        .isEqualTo(0x0201);
  }

  @ParameterizedTest
  @CsvSource({"56", "''", "4", "MD5", "05"})
  void unknownAlgorithmsAreRefused(String algorithms) throws Exception {
    with(AccessList.EVERYBODY, new ChapCredentials("user", SECRET));
    try (LoginWire wire = LoginWire.connect(target)) {
      Map<String, String> keys = LoginWire.names();
      keys.put("AuthMethod", "CHAP");
      wire.ask(wire.loginRequest(0x00, keys));
      assertThat(wire.ask(wire.loginRequest(0x00, Map.of("CHAP_A", algorithms))).u16(36))
          .isEqualTo(0x0201);
    }
  }

  @Test
  void secretsAreNotInTheTextForm() {
    assertThat(new ChapCredentials("user", SECRET, "us", OTHER_SECRET).toString())
        .doesNotContain(SECRET)
        .doesNotContain(OTHER_SECRET);
  }
}
