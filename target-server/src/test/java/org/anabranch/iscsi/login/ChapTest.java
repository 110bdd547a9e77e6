// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Base64;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Chap;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.LogWatch;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.naming.AccessList;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CHAP over the wire (RFC 7143 12.1.3): proofs, forms of values, refusals, and what is logged. */
final class ChapTest {
  private static final String SECRET = "twelve-bytes-or-more";
  private static final String OTHER_SECRET = "another-one-altogether";
  private static final ChapCredentials ONE_WAY = new ChapCredentials("user", SECRET);
  private static final ChapCredentials MUTUAL =
      new ChapCredentials("user", SECRET, "us", OTHER_SECRET);

  private static final LogWatch LOG = new LogWatch();

  /** One for each test: after failures, the proofs that follow wait. */
  private TestTarget target = new TestTarget();

  @AfterEach
  void stop() {
    target.close();
  }

  @AfterAll
  static void end() {
    LOG.close();
    LOG.assertClean();
  }

  private void with(@Nullable ChapCredentials chap) {
    with(AccessList.EVERYBODY, chap);
  }

  private void with(AccessList access, @Nullable ChapCredentials chap) {
    target.server.put(target.node(TestTarget.NAME, access, chap, Set.of()));
  }

  private static SessionOptions options(String user, String secret, Chap... algorithms) {
    return SessionOptions.normal(TestTarget.NAME)
        .chap(org.anabranch.initiator.ChapCredentials.of(user, secret, algorithms));
  }

  private int refusal(SessionOptions options) {
    var login = target.initiator.login(target.portal(), options);
    LoginException refused =
        Assertions.catchThrowableOfType(LoginException.class, () -> Initiator.await(login, 20));
    assertThat(refused).as("login is refused").isNotNull();
    return refused.status();
  }

  // --- whole logins -------------------------------------------------------------------------

  @ParameterizedTest
  @EnumSource
  void itProvesTheInitiator(Chap algorithm) throws Exception {
    with(ONE_WAY);
    target.login(options("user", SECRET, algorithm)).close();
    assertThat(refusal(options("user", "wrong", algorithm))).isEqualTo(0x0201);
    assertThat(refusal(options("nobody", SECRET, algorithm))).isEqualTo(0x0201);
    assertThat(refusal(SessionOptions.normal(TestTarget.NAME))).isEqualTo(0x0201);
    assertThat(refusal(SessionOptions.normal(TestTarget.NAME).securityStage(false)))
        .isEqualTo(0x0201);
  }

  @ParameterizedTest
  @EnumSource
  void mutuallyItProvesTheTarget(Chap algorithm) throws Exception {
    with(MUTUAL);
    var proof = org.anabranch.initiator.ChapCredentials.of("user", SECRET, algorithm);
    SessionOptions options = SessionOptions.normal(TestTarget.NAME);
    target.login(options.chap(proof.mutual("us", OTHER_SECRET))).close();
    target.login(options.chap(proof)).close();
  }

  @Test
  void whoAsksForAProofThatTheTargetDoesNotHaveIsRefused() {
    with(ONE_WAY);
    var proof = org.anabranch.initiator.ChapCredentials.of("user", SECRET, Chap.SHA256);
    SessionOptions options = SessionOptions.normal(TestTarget.NAME);
    assertThat(refusal(options.chap(proof.mutual("us", OTHER_SECRET)))).isEqualTo(0x0201);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0x1234",
        "0X1234",
        "0xzz",
        "0x",
        "0b",
        "0bQUJD",
        "0B!",
        "0",
        "42",
        "name with spaces",
        "gr\u00fcn",
        "a=b",
        "user%name",
        "None"
      })
  void aNameIsTextWhateverItLooksLike(String user) throws Exception {
    with(new ChapCredentials(user, SECRET, user + "'s target", OTHER_SECRET));
    var proof = org.anabranch.initiator.ChapCredentials.of(user, SECRET, Chap.MD5);
    SessionOptions options = SessionOptions.normal(TestTarget.NAME);
    target.login(options.chap(proof.mutual(user + "'s target", OTHER_SECRET))).close();
    // The same number in another form is another name.
    assertThat(refusal(options(user + " ", SECRET, Chap.MD5))).isEqualTo(0x0201);
    assertThat(refusal(options("4660", SECRET, Chap.MD5))).isEqualTo(0x0201);
    assertThat(refusal(options("ABC", SECRET, Chap.MD5))).isEqualTo(0x0201);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0x3132333435363738393a3b3c", "0bMTIzNDU2Nzg5MDEy"})
  void aSecretIsTextWhateverItLooksLike(String secret) throws Exception {
    with(new ChapCredentials("user", secret));
    target.login(options("user", secret, Chap.SHA256)).close();
    assertThat(refusal(options("user", "123456789:;<", Chap.SHA256))).isEqualTo(0x0201);
  }

  @Test
  void onlyTheDigestsOfTheTargetAreChosenFrom() throws Exception {
    with(
        new ChapCredentials(
            "user", SECRET, null, null, EnumSet.of(ChapDigest.SHA256, ChapDigest.SHA3_256)));
    target.login(options("user", SECRET, Chap.MD5, Chap.SHA1, Chap.SHA256)).close();
    assertThat(refusal(options("user", SECRET, Chap.MD5, Chap.SHA1))).isEqualTo(0x0201);
  }

  @Test
  void oneSecretForBothDirectionsIsNoConfiguration() {
    assertThatThrownBy(() -> new ChapCredentials("user", SECRET, "us", SECRET))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("different secrets");
  }

  /**
   * As LIO has it: each initiator a user of its own, and one secret is worth nothing for another.
   */
  @Test
  void eachInitiatorHasAUserOfItsOwn() throws Exception {
    String one = "iqn.2026-11.org.example:one";
    String two = "iqn.2026-11.org.example:two";
    TargetNode node = target.node(TestTarget.NAME, AccessList.EVERYBODY, null, Set.of());
    target.server.put(
        new TargetNode(
            node.name(),
            null,
            node.router(),
            node.access(),
            List.of(
                user("vm", SECRET, null, EnumSet.of(ChapDigest.MD5), one),
                user("vm", OTHER_SECRET, "a third secret of ours", ALL_DIGESTS, two),
                user("admin", "the secret of admins", null, ALL_DIGESTS)),
            Set.of()));
    target.login(options("vm", SECRET, Chap.MD5).as(one)).close();
    target.login(options("vm", OTHER_SECRET, Chap.SHA256).as(two)).close();
    target.login(options("admin", "the secret of admins", Chap.SHA256).as(two)).close();
    assertThat(refusal(options("vm", OTHER_SECRET, Chap.MD5).as(one))).isEqualTo(0x0201);
    assertThat(refusal(options("vm", SECRET, Chap.MD5).as(two))).isEqualTo(0x0201);
    assertThat(refusal(options("vm", SECRET, Chap.MD5).as(two + "x"))).isEqualTo(0x0201);
    assertThat(refusal(options("vm", SECRET, Chap.SHA256).as(one)))
        .as("a digest of others")
        .isEqualTo(0x0201);
    var proof = org.anabranch.initiator.ChapCredentials.of("vm", OTHER_SECRET, Chap.SHA256);
    SessionOptions options = SessionOptions.normal(TestTarget.NAME).as(two);
    target.login(options.chap(proof.mutual("us", "a third secret of ours"))).close();
  }

  private static final Set<ChapDigest> ALL_DIGESTS = EnumSet.allOf(ChapDigest.class);

  private static ChapCredentials user(
      String name,
      String secret,
      @Nullable String mutual,
      Set<ChapDigest> digests,
      String... initiators) {
    return new ChapCredentials(
        name,
        secret,
        mutual == null ? null : "us",
        mutual,
        digests,
        Stream.of(initiators).map(org.anabranch.naming.InitiatorPattern::new).toList());
  }

  // --- single steps -------------------------------------------------------------------------

  /** Goes as far as the challenge, then answers with these keys; the status and the answer. */
  private Pdu afterChallenge(UnaryOperator<Map<String, String>> reply) throws Exception {
    with(MUTUAL);
    try (LoginWire wire = LoginWire.connect(target)) {
      Map<String, String> keys = LoginWire.names();
      keys.put("AuthMethod", "CHAP");
      assertThat(LoginWire.text(wire.ask(wire.loginRequest(0x00, keys))))
          .containsEntry("AuthMethod", "CHAP");
      Map<String, String> challenge =
          LoginWire.text(wire.ask(wire.loginRequest(0x00, Map.of("CHAP_A", "9,5,7"))));
      assertThat(challenge).containsEntry("CHAP_A", "5").containsKeys("CHAP_I", "CHAP_C");
      return wire.ask(wire.loginRequest(LoginWire.SECURITY_TO_OPERATIONAL, reply.apply(challenge)));
    }
  }

  private int status(UnaryOperator<Map<String, String>> reply) throws Exception {
    return afterChallenge(reply).u16(36);
  }

  private static byte[] right(Map<String, String> challenge) {
    byte[] value = Objects.requireNonNull(ChapNumber.parse(challenge.getOrDefault("CHAP_C", "")));
    return Chap.MD5.response(Integer.parseInt(challenge.getOrDefault("CHAP_I", "")), SECRET, value);
  }

  private static String base64(byte[] value) {
    return "0b" + Base64.getEncoder().encodeToString(value);
  }

  private static Map<String, String> answer(String response) {
    return new LinkedHashMap<>(Map.of("CHAP_N", "user", "CHAP_R", response));
  }

  private static Map<String, String> counterChallenge(
      Map<String, String> challenge, String identifier, String value) {
    Map<String, String> keys = answer(ChapNumber.hex(right(challenge)));
    keys.put("CHAP_I", identifier);
    keys.put("CHAP_C", value);
    return keys;
  }

  @Test
  void responsesMayBeHexadecimalOrBase64() throws Exception {
    assertThat(status(c -> answer(ChapNumber.hex(right(c))))).isZero();
    assertThat(status(c -> answer(ChapNumber.hex(right(c)).toUpperCase(Locale.ROOT)))).isZero();
    assertThat(status(c -> answer(base64(right(c))))).isZero();
    assertThat(status(c -> answer(base64(right(c)).replace("0b", "0B")))).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "0",
        "0x",
        "0b",
        "12",
        "0xzz",
        "0b!!!!",
        "0b=",
        "0bA",
        "nonsense",
        "-1",
        "0x-1",
        "0x00 00",
        "0b AAAA"
      })
  void malformedResponsesAreRefused(String response) throws Exception {
    assertThat(status(c -> answer(response))).isEqualTo(0x0201);
    assertThat(status(c -> counterChallenge(c, "7", response))).isEqualTo(0x0201);
  }

  @Test
  void responsesOfAnotherLengthAreRefused() throws Exception {
    List<UnaryOperator<byte[]>> changes =
        List.of(
            r -> java.util.Arrays.copyOf(r, r.length - 1),
            r -> java.util.Arrays.copyOf(r, r.length + 1),
            r -> java.util.Arrays.copyOf(r, 32),
            r -> java.util.Arrays.copyOf(r, 1024),
            r -> java.util.Arrays.copyOf(r, 1025),
            r -> java.util.Arrays.copyOf(r, 3000),
            r -> new byte[1]);
    for (UnaryOperator<byte[]> change : changes) {
      // Another server remembers no failures: the proofs need not wait, see ChapDelays.
      target.close();
      target = new TestTarget();
      assertThat(status(c -> answer(ChapNumber.hex(change.apply(right(c)))))).isEqualTo(0x0201);
      assertThat(status(c -> answer(base64(change.apply(right(c)))))).isEqualTo(0x0201);
    }
    // Zeros in front do not make it the same string of bytes.
    assertThat(status(c -> answer("0x00" + ChapNumber.hex(right(c)).substring(2))))
        .isEqualTo(0x0201);
  }

  /** A challenge has 1 to 1024 bytes, in either form. */
  @Test
  void challengesHaveALimit() throws Exception {
    for (int length : new int[] {1, 16, 1023, 1024}) {
      byte[] value = new byte[length];
      value[length - 1] = 1;
      for (String text : List.of(ChapNumber.hex(value), base64(value))) {
        Pdu answer = afterChallenge(c -> counterChallenge(c, "0x7f", text));
        assertThat(answer.u16(36)).isZero();
        assertThat(LoginWire.text(answer))
            .containsEntry("CHAP_N", "us")
            .containsEntry("CHAP_R", ChapNumber.hex(Chap.MD5.response(0x7f, OTHER_SECRET, value)));
      }
    }
    for (int length : new int[] {1025, 2048, 4096}) {
      for (String text : List.of(ChapNumber.hex(new byte[length]), base64(new byte[length]))) {
        assertThat(status(c -> counterChallenge(c, "1", text)))
            .as(text.substring(0, 9))
            .isIn(0x0201, 0x0200);
      }
    }
  }

  @Test
  void aReflectedChallengeIsRefused() throws Exception {
    assertThat(status(c -> counterChallenge(c, "7", c.getOrDefault("CHAP_C", ""))))
        .isEqualTo(0x0201);
    assertThat(
            status(c -> {
              byte[] theirs =
                  Objects.requireNonNull(ChapNumber.parse(c.getOrDefault("CHAP_C", "")));
              return counterChallenge(c, "7", base64(theirs));
            }))
        .as("in another form")
        .isEqualTo(0x0201);
  }

  @ParameterizedTest
  @CsvSource({"256", "-1", "x", "''", "+1", "#7f", "0x100", "1e1", "99999999999"})
  void aBadIdentifierIsRefused(String identifier) throws Exception {
    assertThat(status(c -> counterChallenge(c, identifier, "0x0011223344556677")))
        .isEqualTo(0x0201);
  }

  @Test
  void halfAnAnswerIsRefused() throws Exception {
    for (String missing : List.of("CHAP_N", "CHAP_R", "CHAP_I", "CHAP_C")) {
      assertThat(
              status(c -> {
                Map<String, String> keys = counterChallenge(c, "7", "0x0011223344556677");
                keys.remove(missing);
                return keys;
              }))
          .as("without " + missing)
          .isEqualTo(0x0201);
    }
  }

  @ParameterizedTest
  @CsvSource({"'56'", "''", "4", "MD5", "05", "'5 '", "0x5", "';5'"})
  void unknownAlgorithmsAreRefused(String algorithms) throws Exception {
    assertThat(steps(Map.of("AuthMethod", "CHAP"), Map.of("CHAP_A", algorithms))).isEqualTo(0x0201);
  }

  /** The status of the last answer to these requests in the security stage. */
  @SafeVarargs
  private int steps(Map<String, String>... requests) throws Exception {
    with(MUTUAL);
    try (LoginWire wire = LoginWire.connect(target)) {
      int status = 0;
      for (Map<String, String> request : requests) {
        assertThat(status).isZero();
        Map<String, String> keys = LoginWire.names();
        keys.putAll(request);
        status = wire.ask(wire.loginRequest(0x00, keys)).u16(36);
      }
      return status;
    }
  }

  @Test
  void stepsOutOfOrderAreRefused() throws Exception {
    Map<String, String> method = Map.of("AuthMethod", "CHAP");
    Map<String, String> algorithm = Map.of("CHAP_A", "5");
    Map<String, String> proof = answer("0x00112233445566778899aabbccddeeff");
    assertThat(steps(method, proof)).isEqualTo(0x0201);
    assertThat(steps(method, algorithm, algorithm)).isEqualTo(0x0201);
    assertThat(steps(method, method)).isIn(0x0200, 0x0201);
    assertThat(steps(Map.of("AuthMethod", "None"))).isEqualTo(0x0201);
    assertThat(steps(Map.of("AuthMethod", "KRB5,SRP"))).isEqualTo(0x0201);
    assertThat(steps(Map.of("AuthMethod", "chap"))).isEqualTo(0x0201);
    assertThat(steps(Map.of("AuthMethod", "KRB5,CHAP,None"))).isZero();
  }

  /** Nobody gets further by leaving the stage, whatever has been said before. */
  @Test
  void theStageIsNotLeftWithoutProof() throws Exception {
    with(ONE_WAY);
    for (int known = 0; known < 3; known++) {
      try (LoginWire wire = LoginWire.connect(target)) {
        Map<String, String> keys = LoginWire.names();
        if (known > 0) {
          keys.put("AuthMethod", "CHAP");
          wire.ask(wire.loginRequest(0x00, keys));
        }
        if (known > 1) {
          wire.ask(wire.loginRequest(0x00, Map.of("CHAP_A", "7")));
        }
        for (int flags : new int[] {0x81, 0x83}) {
          Pdu answer = wire.ask(wire.loginRequest(flags, known == 0 ? keys : Map.of()));
          assertThat(answer.flags() & 0x80).as("T").isZero();
          if (known == 0) {
            assertThat(answer.u16(36)).isEqualTo(0x0201);
            break;
          }
        }
      }
    }
    Await.until("no session is left", () -> target.server.sessionInfos().isEmpty());
  }

  // --- what is said of it -------------------------------------------------------------------

  /** One line each, with the reason, which the initiator is not told. */
  @Test
  void failuresAreLoggedOnceAndAlike() throws Exception {
    AccessList friends = AccessList.named("iqn.2026-11.org.example:friend");
    SessionOptions friend =
        SessionOptions.normal(TestTarget.NAME).as("iqn.2026-11.org.example:friend");
    with(friends, MUTUAL);
    LOG.takeWarnings();
    var proof = org.anabranch.initiator.ChapCredentials.of("user", SECRET, Chap.SHA256);
    List<SessionOptions> failing =
        Stream.of(
                options("user", "not the secret at all", Chap.SHA256),
                options("stranger", SECRET, Chap.SHA256),
                options("", SECRET, Chap.MD5),
                SessionOptions.normal(TestTarget.NAME))
            .map(options -> options.as("iqn.2026-11.org.example:friend"))
            .toList();
    List<String> reasons =
        List.of(
            "wrong secret for user user",
            "no user stranger for this initiator",
            "no user \"\" for this initiator",
            "offered no CHAP");
    for (SessionOptions options : failing) {
      assertThat(refusal(options)).isEqualTo(0x0201);
      assertThat(LOG.takeWarnings())
          .singleElement()
          .asString()
          .matches(
              "initiator iqn\\.2026-11\\.org\\.example:friend from 127\\.0\\.0\\.1:\\d+: login to "
                  + TestTarget.NAME.replace(".", "\\.")
                  + " refused with 0201: "
                  + java.util.regex.Pattern.quote(reasons.get(failing.indexOf(options))));
    }
    assertThat(refusal(SessionOptions.normal(TestTarget.NAME).chap(proof))).isEqualTo(0x0203);
    assertThat(LOG.takeWarnings())
        .singleElement()
        .asString()
        .endsWith(
            "login refused with 0203 in place of 0202: not in the access list of target "
                + TestTarget.NAME);
    try (Session session = target.login(friend.chap(proof.mutual("us", OTHER_SECRET)))) {
      assertThat(session.isOpen()).isTrue();
      assertThat(LOG.takeWarnings()).isEmpty();
    }
  }

  @Test
  void secretsAreNotInTheTextForm() {
    assertThat(MUTUAL.toString()).doesNotContain(SECRET).doesNotContain(OTHER_SECRET);
  }
}
