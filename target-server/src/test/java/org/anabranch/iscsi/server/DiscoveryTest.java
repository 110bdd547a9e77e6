// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.anabranch.initiator.Chap;
import org.anabranch.initiator.DiscoveredTarget;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.LoginException;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.login.ChapCredentials;
import org.anabranch.iscsi.login.ChapDigest;
import org.anabranch.iscsi.login.DiscoveryPolicy;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.naming.AccessList;
import org.anabranch.naming.AdvertisedAddress;
import org.anabranch.naming.InitiatorPattern;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Discovery sessions: who may ask, who is told of what, how long they last. */
final class DiscoveryTest {
  private static final String SECRET = "twelve-bytes-or-more";
  private static final String OTHER_SECRET = "another-one-altogether";
  private static final String VM1 = "iqn.2026-11.org.example:vm1";
  private static final String VM2 = "iqn.2026-11.org.example:vm2";

  private final TestTarget target = new TestTarget();

  @AfterEach
  void stop() {
    target.close();
  }

  private static ChapCredentials user(String name, String secret, String... initiators) {
    return new ChapCredentials(
        name,
        secret,
        null,
        null,
        EnumSet.allOf(ChapDigest.class),
        List.of(initiators).stream().map(InitiatorPattern::new).toList());
  }

  private void put(
      String name, AccessList access, List<ChapCredentials> users, Set<Integer> groups) {
    TargetNode node = target.node(name, access, null, groups);
    target.server.put(
        new TargetNode(node.name(), null, node.router(), node.access(), users, groups));
  }

  private List<String> names(SessionOptions options) throws Exception {
    List<DiscoveredTarget> found =
        Initiator.await(
            target.initiator.discover(target.portal(), options, "All"),
            TestTarget.SOON.toSeconds());
    return found.stream().map(DiscoveredTarget::name).distinct().toList();
  }

  private int refusal(SessionOptions options) {
    LoginException refused =
        Assertions.catchThrowableOfType(
            LoginException.class,
            () -> Initiator.await(target.initiator.login(target.portal(), options), 20));
    assertThat(refused).as("login is refused").isNotNull();
    return refused.status();
  }

  // --- who is told of what ------------------------------------------------------------------

  @Test
  void onlyTargetsThatTheInitiatorMayUse() throws Exception {
    put("iqn.2026-11.org.example:a", AccessList.named(VM1), List.of(), Set.of());
    put(
        "iqn.2026-11.org.example:b",
        AccessList.EVERYBODY,
        List.of(user("vm2", SECRET, VM2)),
        Set.of());
    put(
        "iqn.2026-11.org.example:c",
        AccessList.EVERYBODY,
        List.of(user("vm2", SECRET, VM2), user("all", SECRET)),
        Set.of());
    put("iqn.2026-11.org.example:d", AccessList.EVERYBODY, List.of(), Set.of(7));
    SessionOptions options = SessionOptions.discovery();
    assertThat(names(options.as(VM1)))
        .containsExactly(TestTarget.NAME, "iqn.2026-11.org.example:a", "iqn.2026-11.org.example:c");
    assertThat(names(options.as(VM2)))
        .containsExactlyInAnyOrder(
            TestTarget.NAME, "iqn.2026-11.org.example:b", "iqn.2026-11.org.example:c");
  }

  /** Which addresses of a portal an initiator is told that came to another. */
  @ParameterizedTest
  @CsvSource({
    "192.0.2.1, 192.0.2.1, 192.0.2.1:3260",
    "192.0.2.1, 127.0.0.1, 192.0.2.1:3260",
    "127.0.0.1, 192.0.2.1, ''",
    "127.0.0.1, 127.0.0.1, 127.0.0.1:3260",
    "127.0.0.1, ::1, 127.0.0.1:3260",
    "::1, 2001:db8::1, ''",
    "0.0.0.0, 192.0.2.1, 192.0.2.1:3260",
    "0.0.0.0, 2001:db8::1, ''",
    "::, 2001:db8::1, [2001:db8:0:0:0:0:0:1]:3260",
    "::, 192.0.2.1, ''",
  })
  void addresses(String bound, String reached, String reported) {
    InetSocketAddress address = new InetSocketAddress(InetAddress.ofLiteral(bound), 3260);
    BoundPortal portal = new BoundPortal(new Portal(address, 1), address);
    assertThat(SendTargets.addresses(portal, InetAddress.ofLiteral(reached)))
        .containsExactlyElementsOf(reported.isEmpty() ? List.of() : List.of(reported));
  }

  @Test
  void advertisedAddressesStandInPlaceOfThePortals() {
    InetSocketAddress loopback = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 3260);
    List<AdvertisedAddress> advertised =
        List.of(
            new AdvertisedAddress("nas.example.org", 0), new AdvertisedAddress("192.0.2.7", 99));
    BoundPortal portal = new BoundPortal(new Portal(loopback, 1, advertised), loopback);
    assertThat(SendTargets.addresses(portal, InetAddress.ofLiteral("192.0.2.1")))
        .containsExactly("nas.example.org:3260", "192.0.2.7:99");
  }

  /** Names outside the standard are found by their names, too. */
  @Test
  void aTargetWithoutAType() throws Exception {
    put("ru.oracle-dba:disk1", AccessList.EVERYBODY, List.of(), Set.of());
    assertThat(names(SessionOptions.discovery())).contains("ru.oracle-dba:disk1");
    assertThat(
            Initiator.await(
                target.initiator.discover(
                    target.portal(), SessionOptions.discovery(), "RU.oracle-dba:disk1"),
                20))
        .isNotEmpty();
    target.login(SessionOptions.normal("ru.oracle-dba:disk1")).close();
  }

  // --- who may ask --------------------------------------------------------------------------

  @Test
  void chapForDiscovery() throws Exception {
    target.server.discovery(
        new DiscoveryPolicy(
            List.of(
                new ChapCredentials("finder", SECRET, "us", OTHER_SECRET),
                user("vm1", SECRET, VM1)),
            Duration.ofHours(1)));
    SessionOptions options = SessionOptions.discovery().as(VM2);
    var finder = org.anabranch.initiator.ChapCredentials.of("finder", SECRET, Chap.SHA256);
    var vm1 = org.anabranch.initiator.ChapCredentials.of("vm1", SECRET, Chap.MD5);
    assertThat(refusal(options)).isEqualTo(0x0201);
    assertThat(refusal(options.securityStage(false))).isEqualTo(0x0201);
    assertThat(
            refusal(
                options.chap(
                    org.anabranch.initiator.ChapCredentials.of("finder", "wrong", Chap.MD5))))
        .isEqualTo(0x0201);
    assertThat(names(options.chap(finder))).containsExactly(TestTarget.NAME);
    assertThat(names(options.chap(finder.mutual("us", OTHER_SECRET))))
        .containsExactly(TestTarget.NAME);
    // A user that is for one initiator proves that it is this one.
    assertThat(refusal(options.chap(vm1))).isEqualTo(0x0201);
    assertThat(names(options.as(VM1).chap(vm1))).containsExactly(TestTarget.NAME);
    // The terms of normal sessions are the target's own.
    target.login().close();
  }

  // --- how long it lasts --------------------------------------------------------------------

  /** The keepalive drops a normal session that is as silent, and that began later. */
  @Test
  void aSilentDiscoverySessionLives() throws Exception {
    try (TestTarget keepalive =
            new TestTarget(limits -> limits.ping(Duration.ofMillis(200), Duration.ofMillis(200)));
        LoginWire wire = LoginWire.connect(keepalive);
        LoginWire normal = LoginWire.connect(keepalive)) {
      assertThat(wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, discovery())).u16(36))
          .isZero();
      wire.connection.fullFeaturePhase(false, false);
      Map<String, String> names = LoginWire.names();
      assertThat(normal.ask(normal.loginRequest(LoginWire.OPERATIONAL_TO_FULL, names)).u16(36))
          .isZero();
      normal.connection.fullFeaturePhase(false, false);
      assertThat(normal.connection.awaitClosed(TestTarget.SOON)).isTrue();
      assertThat(wire.connection.awaitClosed(Duration.ofMillis(500))).isFalse();
      Pdu answer =
          wire.ask(Requests.text(7, Pdu.NO_TAG).cmdSn(wire.cmdSn++).data("SendTargets=All\0"));
      assertThat(answer.opcode()).as("no ping came before").isEqualTo(Opcode.TEXT_RESPONSE);
    }
  }

  @Test
  void itEndsAtItsOwnLimit() throws Exception {
    target.server.discovery(new DiscoveryPolicy(List.of(), Duration.ofMillis(300)));
    try (LoginWire wire = LoginWire.connect(target)) {
      assertThat(wire.ask(wire.loginRequest(LoginWire.OPERATIONAL_TO_FULL, discovery())).u16(36))
          .isZero();
      wire.expectClosed();
    }
  }

  private static Map<String, String> discovery() {
    Map<String, String> keys = LoginWire.names();
    keys.remove("TargetName");
    keys.put("SessionType", "Discovery");
    return keys;
  }
}
