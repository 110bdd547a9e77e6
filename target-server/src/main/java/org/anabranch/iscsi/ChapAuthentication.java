// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Map;
import org.anabranch.jscsi.LoginStatus;
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
 * Every failure is the same to the initiator and in the log: "authentication failed". An unknown
 * user takes as long as a wrong secret. Owned by the connection's event loop.
 */
final class ChapAuthentication {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final ChapCredentials credentials;
  private @Nullable MessageDigest hash;
  private byte identifier;
  private byte[] challenge = {};
  private boolean proven;

  ChapAuthentication(ChapCredentials credentials) {
    this.credentials = credentials;
  }

  /** The initiator has proven its identity. */
  boolean proven() {
    return proven;
  }

  /** One step of the exchange, with the keys of one login request. */
  void step(Map<String, String> keys, Text answers) throws LoginRefusedException {
    String algorithms = keys.remove("CHAP_A");
    if (algorithms != null) {
      challenge(algorithms, answers);
      return;
    }
    String name = keys.remove("CHAP_N");
    String response = keys.remove("CHAP_R");
    String theirIdentifier = keys.remove("CHAP_I");
    String theirChallenge = keys.remove("CHAP_C");
    if (name != null || response != null || theirIdentifier != null || theirChallenge != null) {
      verify(name, response);
      if (theirIdentifier != null || theirChallenge != null) {
        prove(theirIdentifier, theirChallenge, answers);
      }
      proven = true;
    }
  }

  private void challenge(String algorithms, Text answers) throws LoginRefusedException {
    if (hash != null) {
      throw failed();
    }
    for (String algorithm : algorithms.split(",", -1)) {
      ChapDigest digest = ChapDigest.numbered(algorithm);
      if (digest != null && credentials.digests().contains(digest)) {
        hash = digest.instance();
        byte[] random = new byte[1 + hash.getDigestLength()];
        RANDOM.nextBytes(random);
        identifier = random[0];
        challenge = Arrays.copyOfRange(random, 1, random.length);
        answers.add("CHAP_A", algorithm);
        answers.add("CHAP_I", String.valueOf(Byte.toUnsignedInt(identifier)));
        answers.add("CHAP_C", ChapNumber.hex(challenge));
        return;
      }
    }
    throw failed();
  }

  private void verify(@Nullable String name, @Nullable String response)
      throws LoginRefusedException {
    if (hash == null || proven || name == null || response == null) {
      throw failed();
    }
    byte[] expected = response(hash, identifier, credentials.secret(), challenge);
    byte[] actual = ChapNumber.parse(response);
    // Both are compared whatever the other says. A name is text, also one that looks like a number.
    boolean secretRight = actual != null && MessageDigest.isEqual(expected, actual);
    boolean nameRight = MessageDigest.isEqual(utf8(credentials.user()), utf8(name));
    if (!secretRight || !nameRight) {
      throw failed();
    }
  }

  private void prove(
      @Nullable String theirIdentifier, @Nullable String theirChallenge, Text answers)
      throws LoginRefusedException {
    String user = credentials.mutualUser();
    String secret = credentials.mutualSecret();
    if (hash == null || user == null || secret == null || theirChallenge == null) {
      throw failed();
    }
    byte[] theirs = ChapNumber.parse(theirChallenge);
    int id = theirIdentifier == null ? -1 : Negotiation.number(theirIdentifier, 0, 255);
    // Answering our own challenge would tell the initiator what to answer to it (12.1.3).
    if (theirs == null || id < 0 || Arrays.equals(theirs, challenge)) {
      throw failed();
    }
    answers.add("CHAP_N", user);
    answers.add("CHAP_R", ChapNumber.hex(response(hash, (byte) id, secret, theirs)));
  }

  private static byte[] response(
      MessageDigest hash, byte identifier, String secret, byte[] challenge) {
    hash.reset();
    hash.update(identifier);
    hash.update(utf8(secret));
    return hash.digest(challenge);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static LoginRefusedException failed() {
    return new LoginRefusedException(LoginStatus.AUTHENTICATION_FAILURE, "authentication failed");
  }
}
