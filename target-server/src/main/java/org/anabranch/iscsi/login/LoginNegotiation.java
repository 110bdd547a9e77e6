// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.anabranch.iscsi.wire.Connection;
import org.anabranch.jscsi.LoginRequest;
import org.anabranch.jscsi.LoginStage;
import org.anabranch.jscsi.LoginStatus;
import org.anabranch.jscsi.MalformedPduException;
import org.anabranch.naming.IscsiName;
import org.jspecify.annotations.Nullable;

/**
 * The negotiation of one login: which initiator wants which target, whether it may, and with which
 * parameters (RFC 7143 6.3, 13).
 *
 * <pre>
 *   no InitiatorName, no TargetName for a normal session    0207
 *   a target that discovery does not show the initiator     0203, or with CHAP for discovery 0201
 *   CHAP wanted and not offered, not done, or failed        0201
 * </pre>
 *
 * <p>A stranger must not learn by logging in which targets exist. So one answer stands for all
 * reasons why discovery does not show a target: there is none, it is not reached through this
 * portal, it does not admit the initiator's name or address, or no CHAP user is for the initiator.
 * Where discovery wants CHAP, the stranger could tell such a target from one with CHAP; there the
 * login asks for CHAP, and no proof is right. The log has the true reason.
 *
 * <p>Owned by the connection's event loop.
 */
final class LoginNegotiation {
  /** Keys of the first request. Some initiators repeat them in each stage; they must not change. */
  private static final Set<String> FIRST_KEYS =
      Stream.of(Key.values())
          .filter(key -> key.scope() == Key.Scope.FIRST)
          .map(Key::text)
          .collect(Collectors.toUnmodifiableSet());

  private final Portal portal;
  private final IscsiName initiator;
  private final @Nullable TargetNode node;
  private final Map<String, String> firstKeys;
  private final Parameters parameters = new Parameters();
  private final Negotiation operational;
  private final @Nullable ChapAuthentication chap;

  /** Why the initiator cannot see the target that it wants; null if it can. */
  private final @Nullable String hidden;

  private boolean methodChosen;
  private boolean authenticated;
  private boolean aliasSaid;

  private LoginNegotiation(
      LoginTerms terms,
      Portal portal,
      IscsiName initiator,
      @Nullable TargetNode node,
      Map<String, String> firstKeys,
      @Nullable String hidden) {
    this.portal = portal;
    this.initiator = initiator;
    this.node = node;
    this.firstKeys = firstKeys;
    this.hidden = hidden;
    this.operational =
        new Negotiation(
            terms.offered(),
            parameters,
            node == null && hidden == null ? SessionType.DISCOVERY : SessionType.NORMAL);
    List<ChapCredentials> users = node == null ? terms.discovery().chap() : node.chap();
    this.chap = users.isEmpty() ? null : new ChapAuthentication(users, initiator, hidden != null);
  }

  /** Takes the keys that begin a login out of {@code keys}. */
  static LoginNegotiation begin(
      LoginTerms terms,
      Connection connection,
      Portal portal,
      LoginRequest request,
      Map<String, String> keys,
      Text answers)
      throws LoginRefusedException {
    Map<String, String> firstKeys = new HashMap<>(keys);
    firstKeys.keySet().retainAll(FIRST_KEYS);
    IscsiName initiator = name(keys, Key.INITIATOR_NAME);
    connection.initiator(initiator.text());
    keys.remove(Key.INITIATOR_ALIAS.text());
    String type = keys.remove(Key.SESSION_TYPE.text());
    if (type != null && type.equals("Discovery")) {
      keys.remove(Key.TARGET_NAME.text());
      return new LoginNegotiation(terms, portal, initiator, null, firstKeys, null);
    }
    if (type != null && !type.equals("Normal")) {
      throw new LoginRefusedException(
          LoginStatus.SESSION_TYPE_NOT_SUPPORTED, "unknown session type");
    }
    IscsiName target = name(keys, Key.TARGET_NAME);
    int tag = portal.groupTag();
    TargetNode node = terms.node(target.text());
    LoginRefusedException refusal =
        refusal(node, target, tag, initiator, connection.remoteAddress().getAddress());
    if (refusal != null && terms.discovery().chap().isEmpty()) {
      throw refusal;
    }
    // Only a target declares these; an initiator that does so is told it once, by our values.
    keys.remove(Key.TARGET_ALIAS.text());
    keys.remove(Key.TARGET_PORTAL_GROUP_TAG.text());
    answers.add(Key.TARGET_PORTAL_GROUP_TAG.text(), String.valueOf(tag));
    return refusal == null
        ? new LoginNegotiation(terms, portal, initiator, node, firstKeys, null)
        : new LoginNegotiation(terms, portal, initiator, null, firstKeys, refusal.getMessage());
  }

  /** Why an initiator cannot see a target; null if it can. */
  private static @Nullable LoginRefusedException refusal(
      @Nullable TargetNode node,
      IscsiName target,
      int tag,
      IscsiName initiator,
      InetAddress address) {
    if (node == null) {
      return new LoginRefusedException(LoginStatus.NOT_FOUND, "no target " + target);
    }
    if (!node.isReachableThrough(tag)) {
      return new LoginRefusedException(
          LoginStatus.NOT_FOUND,
          "target " + target + " is not reached through portal group " + tag);
    }
    if (!node.access().admits(initiator, address)) {
      return LoginRefusedException.notVisible("not in the access list of target " + target);
    }
    return node.isFor(initiator, address)
        ? null
        : LoginRefusedException.notVisible(
            "no CHAP user of target " + target + " is for this initiator");
  }

  /** A name, in any accepted spelling. */
  private static IscsiName name(Map<String, String> keys, Key key) throws LoginRefusedException {
    String name = keys.remove(key.text());
    if (name == null || name.isEmpty()) {
      throw new LoginRefusedException(LoginStatus.MISSING_PARAMETER, "no " + key.text());
    }
    String flaw = IscsiName.flaw(name);
    if (flaw != null) {
      throw new LoginRefusedException(
          LoginStatus.INITIATOR_ERROR, key.text() + " is no iSCSI name: " + flaw);
    }
    return new IscsiName(name);
  }

  /**
   * Whether a repeated key of the first request has the same meaning; names may be spelled
   * differently.
   */
  private static boolean isSame(String key, String again, @Nullable String first) {
    return first != null
        && (key.equals(Key.SESSION_TYPE.text())
            ? again.equals(first)
            : IscsiName.normalise(again).equals(IscsiName.normalise(first)));
  }

  Parameters parameters() {
    return parameters;
  }

  /** Whether the session is for discovery. */
  boolean isDiscovery() {
    return node == null && hidden == null;
  }

  /** What the login is for: a target, or discovery. */
  String target() {
    return node == null ? hidden == null ? "discovery" : "a target" : node.name();
  }

  /** Whether the initiator has a challenge that it has not answered. */
  boolean awaitsProof() {
    return chap != null && chap.awaitsProof();
  }

  /**
   * Answers the keys of one request.
   *
   * @return whether the stage may be left
   */
  boolean step(LoginStage stage, boolean transit, Map<String, String> keys, Text answers)
      throws LoginRefusedException, MalformedPduException {
    for (String key : FIRST_KEYS) {
      String again = keys.remove(key);
      if (again != null && !isSame(key, again, firstKeys.get(key))) {
        throw new MalformedPduException(key + " changes during login");
      }
    }
    if (stage == LoginStage.SECURITY_NEGOTIATION) {
      security(keys, answers);
      operational.answer(keys, answers);
      if (chap == null || authenticated) {
        authenticated = true;
        sayAlias(answers);
        return true;
      }
      if (transit && !methodChosen) {
        throw failed("offered no CHAP");
      }
      return false;
    }
    if (chap != null && !authenticated) {
      throw failed("offered no CHAP: it left out the security stage");
    }
    operational.answer(keys, answers);
    operational.declare(answers);
    sayAlias(answers);
    return true;
  }

  /** Sends the target's alias, once, to an initiator that has proven what it must. */
  private void sayAlias(Text answers) {
    if (node != null && node.alias() != null && !aliasSaid) {
      aliasSaid = true;
      answers.add(Key.TARGET_ALIAS.text(), node.alias());
    }
  }

  private LoginRefusedException failed(String reason) {
    return ChapAuthentication.failed(hidden == null ? reason : hidden);
  }

  private void security(Map<String, String> keys, Text answers) throws LoginRefusedException {
    String methods = keys.remove(Key.AUTH_METHOD.text());
    if (methods != null) {
      String wanted = chap == null ? "None" : "CHAP";
      boolean offered = List.of(methods.split(",", -1)).contains(wanted);
      if (!offered || methodChosen) {
        throw failed(methodChosen ? "sent AuthMethod a second time" : "offered no " + wanted);
      }
      methodChosen = true;
      answers.add(Key.AUTH_METHOD.text(), wanted);
    }
    if (chap != null && methodChosen) {
      try {
        chap.step(keys, answers);
      } catch (LoginRefusedException e) {
        throw failed(String.valueOf(e.getMessage()));
      }
      authenticated = chap.proven();
    }
  }

  /** The result of the login so far. */
  AgreedLogin agreed(LoginRequest request) {
    SessionKey key =
        new SessionKey(
            initiator, request.isid(), node == null ? "" : node.name(), portal.groupTag());
    return new AgreedLogin(key, request.connectionId(), request.cmdSn(), node, portal, parameters);
  }
}
