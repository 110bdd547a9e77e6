// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.anabranch.initiator.Chap;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.LogWatch;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.naming.AccessList;
import org.anabranch.naming.InitiatorPattern;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A stranger who tries names cannot tell a target that it may not see from one that is not. */
final class HiddenTargetTest {
  private static final String PREFIX = "iqn.2026-11.org.anabranch:";
  private static final String ABSENT = PREFIX + "absent";
  private static final String PRIVATE = PREFIX + "private";
  private static final String ELSEWHERE = PREFIX + "elsewhere";
  private static final String OTHERS = PREFIX + "others";
  private static final String CHAP = PREFIX + "chap";
  private static final String SECRET = "correct horse battery";

  private final LogWatch log = new LogWatch();
  private TestTarget target;

  private static ChapCredentials user(List<InitiatorPattern> initiators) {
    return new ChapCredentials("user", SECRET, null, null, Set.of(ChapDigest.values()), initiators);
  }

  @BeforeEach
  void start() {
    target = new TestTarget();
    AccessList friends = AccessList.named("iqn.1993-08.org.debian:*");
    target.server.put(target.node(PRIVATE, friends, null, Set.of()));
    target.server.put(target.node(ELSEWHERE, AccessList.EVERYBODY, null, Set.of(2)));
    target.server.put(
        target.node(
            OTHERS,
            AccessList.EVERYBODY,
            user(List.of(new InitiatorPattern("iqn.1993-08.org.debian:*"))),
            Set.of()));
    target.server.put(target.node(CHAP, AccessList.EVERYBODY, user(List.of()), Set.of()));
  }

  @AfterEach
  void stop() {
    target.close();
    log.close();
  }

  private int refusal(SessionOptions options) {
    LoginException refused =
        Assertions.catchThrowableOfType(
            LoginException.class,
            () -> Initiator.await(target.initiator.login(target.portal(), options), 20));
    assertThat(refused).as("login is refused").isNotNull();
    return refused.status();
  }

  private void discoveryWantsChap() {
    target.server.discovery(new DiscoveryPolicy(List.of(user(List.of())), Duration.ofHours(1)));
  }

  /** All that the target sends in the exchange of a wrong proof, but for what is random. */
  private List<String> exchange(String name) throws Exception {
    try (LoginWire wire = LoginWire.connect(target)) {
      Map<String, String> keys = LoginWire.names();
      keys.put("TargetName", name);
      keys.put("AuthMethod", "CHAP,None");
      List<String> answers = new ArrayList<>();
      answers.add(text(wire.ask(wire.loginRequest(0x00, keys))));
      answers.add(text(wire.ask(wire.loginRequest(0x00, Map.of("CHAP_A", "7,5")))));
      Map<String, String> proof = Map.of("CHAP_N", "user", "CHAP_R", "0x" + "00".repeat(32));
      answers.add(text(wire.ask(wire.loginRequest(0x81, proof))));
      return answers;
    }
  }

  private static String text(Pdu answer) {
    return String.format("%04x ", answer.u16(36))
        + new String(answer.dataBytes(), UTF_8)
            .replace('\0', ' ')
            .replaceAll("CHAP_I=[0-9]+", "CHAP_I=n")
            .replaceAll("CHAP_C=0x[0-9a-f]+", "CHAP_C=0x");
  }

  @Test
  void theAnswerIsTheSameAndTheLogHasTheReason() {
    for (String name : List.of(ABSENT, PRIVATE, ELSEWHERE, OTHERS)) {
      assertThat(refusal(SessionOptions.normal(name))).as(name).isEqualTo(0x0203);
      var proof = org.anabranch.initiator.ChapCredentials.of("user", SECRET, Chap.SHA256);
      assertThat(refusal(SessionOptions.normal(name).chap(proof))).as(name).isEqualTo(0x0203);
    }
    assertThat(log.takeWarnings())
        .hasSize(8)
        .anyMatch(line -> line.endsWith("0203: no target " + ABSENT))
        .anyMatch(
            line -> line.endsWith("in place of 0202: not in the access list of target " + PRIVATE))
        .anyMatch(line -> line.endsWith("is not reached through portal group 1"))
        .anyMatch(
            line -> line.endsWith("no CHAP user of target " + OTHERS + " is for this initiator"));
  }

  /** Where discovery wants CHAP, a target with CHAP is as secret as one that does not exist. */
  @Test
  void behindChapTheExchangeIsTheSame() throws Exception {
    discoveryWantsChap();
    List<String> absent = exchange(ABSENT);
    assertThat(absent.get(0)).startsWith("0000 ").contains("AuthMethod=CHAP");
    assertThat(absent.get(1)).startsWith("0000 ").contains("CHAP_A=7 CHAP_I=n CHAP_C=0x");
    assertThat(absent.get(2)).isEqualTo("0201 ");
    for (String name : List.of(PRIVATE, ELSEWHERE, OTHERS, CHAP)) {
      assertThat(exchange(name)).as(name).isEqualTo(absent);
    }
    assertThat(log.takeWarnings())
        .hasSize(5)
        .anyMatch(line -> line.endsWith("refused with 0201: no target " + ABSENT))
        .anyMatch(line -> line.endsWith("wrong secret for user user"));
  }

  /** Not even with the secret that discovery wants. */
  @Test
  void noProofIsRightForATargetThatIsNot() {
    discoveryWantsChap();
    var proof = org.anabranch.initiator.ChapCredentials.of("user", SECRET, Chap.SHA256);
    assertThat(refusal(SessionOptions.normal(ABSENT).chap(proof))).isEqualTo(0x0201);
    assertThat(refusal(SessionOptions.normal(ABSENT))).isEqualTo(0x0201);
  }

  /** The alias is the administrator's text about a target: strangers do not get it. */
  @Test
  void theAliasIsSentWhenTheInitiatorHasProvenItself() throws Exception {
    for (String answer : exchange(CHAP)) {
      assertThat(answer).doesNotContain("TargetAlias");
    }
  }
}
