// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.anabranch.jscsi.LoginStatus;
import org.anabranch.naming.IscsiName;
import org.anabranch.naming.PrintableText;
import org.jspecify.annotations.Nullable;

/**
 * CHAP in the security stage of one login (RFC 7143 12.1.3, RFC 1994).
 *
 * <pre>
 *   initiator                            target
 *   CHAP_A=7,5                      ->
 *                                   <-   CHAP_A=7 CHAP_I=n CHAP_C=0x...
 *   CHAP_N=user CHAP_R=0x...        ->
 *  [CHAP_I=m CHAP_C=0x...]          <-  [CHAP_N=us CHAP_R=0x...]      mutual
 * </pre>
 *
 * The initiator cannot tell one failure from another: an unknown user takes as long as a wrong
 * secret. Only the log has the reason. Owned by the connection's event loop.
 */
final class ChapAuthentication {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int MAX_LOGGED = 100;

  /** The CHAP users of this initiator. All of them are checked, whatever name it sends. */
  private final List<ChapCredentials> users;

  /** The digests of all users, so that the choice reveals nothing about a single user. */
  private final Set<ChapDigest> digests;

  private @Nullable ChapDigest digest;
  private byte identifier;
  private byte[] challenge = {};
  private boolean proven;

  /** No proof is right, since the initiator cannot see what it wants to log in to. */
  private final boolean hopeless;

  /**
   * @param all the users of the target, or of discovery
   * @param hopeless whether every proof is wrong; all else stays the same
   */
  ChapAuthentication(List<ChapCredentials> all, IscsiName initiator, boolean hopeless) {
    this.hopeless = hopeless;
    this.users = all.stream().filter(user -> user.isFor(initiator)).toList();
    this.digests =
        all.stream().flatMap(user -> user.digests().stream()).collect(Collectors.toSet());
  }

  /** The initiator has proven its identity. */
  boolean proven() {
    return proven;
  }

  /** The challenge was sent, and what it is to be answered with has not come. */
  boolean awaitsProof() {
    return digest != null && !proven;
  }

  /** One step of the exchange, with the keys of one login request. */
  void step(Map<String, String> keys, Text answers) throws LoginRefusedException {
    String algorithms = keys.remove(Key.CHAP_A.text());
    if (algorithms != null) {
      challenge(algorithms, answers);
      return;
    }
    String name = keys.remove(Key.CHAP_N.text());
    String response = keys.remove(Key.CHAP_R.text());
    String theirIdentifier = keys.remove(Key.CHAP_I.text());
    String theirChallenge = keys.remove(Key.CHAP_C.text());
    if (name != null || response != null || theirIdentifier != null || theirChallenge != null) {
      ChapCredentials user = verify(name, response);
      if (theirIdentifier != null || theirChallenge != null) {
        prove(user, theirIdentifier, theirChallenge, answers);
      }
      proven = true;
    }
  }

  private void challenge(String algorithms, Text answers) throws LoginRefusedException {
    if (digest != null) {
      throw failed("sent CHAP_A a second time");
    }
    for (String algorithm : algorithms.split(",", -1)) {
      ChapDigest known = ChapDigest.numbered(algorithm);
      if (known != null && digests.contains(known)) {
        digest = known;
        byte[] random = new byte[1 + known.instance().getDigestLength()];
        RANDOM.nextBytes(random);
        identifier = random[0];
        challenge = Arrays.copyOfRange(random, 1, random.length);
        answers.add(Key.CHAP_A.text(), algorithm);
        answers.add(Key.CHAP_I.text(), String.valueOf(Byte.toUnsignedInt(identifier)));
        answers.add(Key.CHAP_C.text(), ChapNumber.hex(challenge));
        return;
      }
    }
    throw failed("none of the CHAP digests " + printable(algorithms) + " is allowed");
  }

  private ChapCredentials verify(@Nullable String name, @Nullable String response)
      throws LoginRefusedException {
    if (digest == null || proven || name == null || response == null) {
      throw failed("sent CHAP keys out of their order, or not all of them");
    }
    byte[] actual = ChapNumber.parse(response);
    ChapCredentials right = null;
    boolean known = false;
    boolean proof = false;
    // Everything is computed and compared in any case. A name is text, even if it looks like a
    // number.
    for (ChapCredentials user : users) {
      byte[] expected = response(digest, identifier, user.secret(), challenge);
      boolean secretRight = actual != null && MessageDigest.isEqual(expected, actual);
      boolean nameRight = MessageDigest.isEqual(utf8(user.user()), utf8(name));
      boolean digestRight = user.digests().contains(digest);
      known |= nameRight;
      proof |= nameRight && secretRight;
      if (secretRight && nameRight && digestRight) {
        right = user;
      }
    }
    if (right == null || hopeless) {
      String user = printable(name);
      throw failed(
          proof
              ? "user " + user + " may not use the digest " + digest
              : known
                  ? "wrong secret for user " + user
                  : "no user " + user + " for this initiator");
    }
    return right;
  }

  private void prove(
      ChapCredentials user,
      @Nullable String theirIdentifier,
      @Nullable String theirChallenge,
      Text answers)
      throws LoginRefusedException {
    String name = user.mutualUser();
    String secret = user.mutualSecret();
    if (digest == null || name == null || secret == null) {
      throw failed(
          "asked for mutual CHAP, which is not configured for user " + printable(user.user()));
    }
    byte[] theirs = theirChallenge == null ? null : ChapNumber.parse(theirChallenge);
    int id = theirIdentifier == null ? -1 : Key.number(theirIdentifier, 0, 255);
    // Answering our own challenge would tell the initiator what to answer to it (12.1.3).
    if (theirs == null || id < 0 || Arrays.equals(theirs, challenge)) {
      throw failed("sent a challenge that is malformed, or our own");
    }
    answers.add(Key.CHAP_N.text(), name);
    answers.add(Key.CHAP_R.text(), ChapNumber.hex(response(digest, (byte) id, secret, theirs)));
  }

  private static byte[] response(
      ChapDigest digest, byte identifier, String secret, byte[] challenge) {
    MessageDigest hash = digest.instance();
    hash.update(identifier);
    hash.update(utf8(secret));
    return hash.digest(challenge);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Text of an unauthenticated peer for the log: one line of limited length, in quotes unless it is
   * a word.
   */
  private static String printable(String text) {
    String shown = PrintableText.of(text, MAX_LOGGED);
    return shown.matches("[\\p{L}\\p{N}._@:+-]+") ? shown : '"' + shown + '"';
  }

  /**
   * @param reason for the log; the initiator only learns that the login failed
   */
  static LoginRefusedException failed(String reason) {
    return new LoginRefusedException(LoginStatus.AUTHENTICATION_FAILURE, reason);
  }
}
