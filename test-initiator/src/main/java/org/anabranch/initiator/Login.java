// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/**
 * The login phase (RFC 7143 6), written sequentially on a thread that may block.
 *
 * <pre>
 *   security stage      AuthMethod, then CHAP_A -> CHAP_I CHAP_C -> CHAP_N CHAP_R
 *   operational stage   the keys of the options, and answers to the target's keys
 *   full feature phase
 * </pre>
 */
final class Login {
  static final int SECURITY = 0;
  static final int OPERATIONAL = 1;
  static final int FULL_FEATURE = 3;

  /** MaxRecvDataSegmentLength of both sides during login. */
  private static final int MAX_TEXT = 8192;

  /** The largest number of exchanges in a negotiation. */
  private static final int MAX_EXCHANGES = 64;

  private final RawConnection connection;
  private final SessionOptions options;
  private final Map<String, String> answers = new LinkedHashMap<>();
  private final int tag = 1;
  private int expStatSn;
  private int exchanges;
  private int tsih;

  Login(RawConnection connection, SessionOptions options) {
    this.connection = connection;
    this.options = options;
    this.tsih = options.tsih();
  }

  /**
   * Logs in and puts the connection into the full feature phase.
   *
   * @throws LoginException if the target rejects the login
   * @throws IscsiException if it violates the protocol, does not answer or disconnects
   */
  Parameters run() throws IscsiException {
    Map<String, String> keys = new LinkedHashMap<>();
    keys.put("InitiatorName", options.initiatorName());
    String target = options.targetName();
    if (target == null) {
      keys.put("SessionType", "Discovery");
    } else {
      keys.put("SessionType", "Normal");
      keys.put("TargetName", target);
    }
    ChapCredentials chap = options.chap();
    if (chap != null) {
      authenticate(keys, chap);
      keys.clear();
    } else if (options.securityStage()) {
      keys.put("AuthMethod", "None");
      advance(exchange(keys, SECURITY, OPERATIONAL, true), SECURITY, OPERATIONAL);
      keys.clear();
    }
    keys.putAll(options.keys());
    Pdu last = advance(exchange(keys, OPERATIONAL, FULL_FEATURE, true), OPERATIONAL, FULL_FEATURE);
    Parameters parameters = Parameters.of(answers, last);
    connection.fullFeaturePhase(parameters.headerDigest(), parameters.dataDigest());
    return parameters;
  }

  /** CHAP, with authentication of the target if the credentials require it. */
  private void authenticate(Map<String, String> keys, ChapCredentials chap) throws IscsiException {
    keys.put("AuthMethod", "CHAP");
    exchange(keys, SECURITY, OPERATIONAL, false);
    if (!"CHAP".equals(answers.get("AuthMethod"))) {
      throw new IscsiException("the target answered AuthMethod=" + answers.get("AuthMethod"));
    }
    exchange(
        Map.of(
            "CHAP_A",
            chap.algorithms().stream()
                .map(a -> Integer.toString(a.number()))
                .collect(Collectors.joining(","))),
        SECURITY,
        OPERATIONAL,
        false);
    Chap algorithm = Chap.numbered(answer("CHAP_A"));
    if (!chap.algorithms().contains(algorithm)) {
      throw new IscsiException("the target chose " + algorithm + ", which was not offered");
    }
    int identifier = Integer.decode(answer("CHAP_I"));
    byte[] challenge = Chap.decode(answer("CHAP_C"));
    Map<String, String> proof = new LinkedHashMap<>();
    proof.put("CHAP_N", chap.name());
    proof.put("CHAP_R", Chap.encode(algorithm.response(identifier, chap.secret(), challenge)));
    String targetSecret = chap.targetSecret();
    SecureRandom random = new SecureRandom();
    byte[] ourChallenge = new byte[algorithm.length()];
    random.nextBytes(ourChallenge);
    int ourIdentifier = random.nextInt(256);
    if (targetSecret != null) {
      proof.put("CHAP_I", Integer.toString(ourIdentifier));
      proof.put("CHAP_C", Chap.encode(ourChallenge));
    }
    answers.remove("CHAP_N");
    answers.remove("CHAP_R");
    Pdu response = exchange(proof, SECURITY, OPERATIONAL, true);
    if (targetSecret != null) {
      byte[] expected = algorithm.response(ourIdentifier, targetSecret, ourChallenge);
      if (!answer("CHAP_N").equals(chap.targetName())
          || !MessageDigest.isEqual(expected, Chap.decode(answer("CHAP_R")))) {
        throw new IscsiException("the target did not prove that it is " + chap.targetName());
      }
    }
    advance(response, SECURITY, OPERATIONAL);
  }

  private String answer(String key) throws IscsiException {
    String value = answers.get(key);
    if (value == null) {
      throw new IscsiException("the target did not send " + key);
    }
    return value;
  }

  /** Answers the target's keys until it agrees to leave the stage. */
  private Pdu advance(Pdu first, int stage, int next) throws IscsiException {
    Pdu response = first;
    while (!response.isFinal()) {
      response = exchange(replies(), stage, next, true);
    }
    if (((response.flags() >> 2) & 3) != stage || (response.flags() & 3) != next) {
      throw new IscsiException("the target moved to another stage than asked for: " + response);
    }
    return response;
  }

  /** Our answers to keys that the target offered and we did not. */
  private Map<String, String> replies() {
    Map<String, String> replies = new LinkedHashMap<>();
    answers.forEach((key, value) -> {
      boolean ours = options.keys().containsKey(key) || key.startsWith("CHAP_");
      if (!ours) {
        switch (key) {
          case "HeaderDigest", "DataDigest" -> replies.put(key, "None");
          case "InitialR2T" -> replies.put(key, "Yes");
          case "ImmediateData", "DataPDUInOrder", "DataSequenceInOrder" -> replies.put(key, value);
          case "MaxBurstLength", "FirstBurstLength", "DefaultTime2Wait" -> replies.put(key, value);
          case "MaxConnections", "MaxOutstandingR2T" -> replies.put(key, "1");
          case "ErrorRecoveryLevel", "DefaultTime2Retain" -> replies.put(key, "0");
          case "AuthMethod",
              "TargetAlias",
              "TargetAddress",
              "TargetPortalGroupTag",
              "MaxRecvDataSegmentLength" -> {}
          default -> replies.put(key, "NotUnderstood");
        }
      }
    });
    replies.keySet().removeAll(replied);
    replied.addAll(replies.keySet());
    answers.putAll(replies);
    return replies;
  }

  private final java.util.Set<String> replied = new java.util.HashSet<>();

  /** Sends one request, in several PDUs if it is long, and receives the whole response. */
  private Pdu exchange(Map<String, String> keys, int stage, int next, boolean transit)
      throws IscsiException {
    byte[] text = TextKeys.encode(keys);
    int from = 0;
    for (; text.length - from > MAX_TEXT; from += MAX_TEXT) {
      Pdu more = step(Arrays.copyOfRange(text, from, from + MAX_TEXT), 0x40 | (stage << 2));
      if (more.dataSegmentLength() > 0) {
        throw new IscsiException("the target answered half a request: " + more);
      }
    }
    int flags = (stage << 2) | (transit ? 0x80 | next : 0);
    Pdu response = step(Arrays.copyOfRange(text, from, text.length), flags);
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    answer.writeBytes(response.dataBytes());
    while ((response.flags() & 0x40) != 0) {
      response = step(new byte[0], stage << 2);
      answer.writeBytes(response.dataBytes());
    }
    for (Map.Entry<String, String> pair : TextKeys.decode(answer.toByteArray())) {
      answers.put(pair.getKey(), pair.getValue());
    }
    return response;
  }

  /** Sends one Login Request and receives its Login Response. */
  private Pdu step(byte[] text, int flags) throws IscsiException {
    if (++exchanges > MAX_EXCHANGES) {
      throw new IscsiException("the login does not come to an end");
    }
    connection.send(
        Requests.login(options.isid(), tsih, tag, options.cid(), flags)
            .cmdSn(Session.FIRST_CMD_SN)
            .expStatSn(expStatSn)
            .data(text));
    Pdu response;
    try {
      response = connection.receive(options.timeout());
    } catch (TimeoutException e) {
      throw new IscsiException("the target keeps silent during login", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IscsiException("interrupted during login", e);
    }
    if (response.opcode() != Opcode.LOGIN_RESPONSE || response.taskTag() != tag) {
      throw new IscsiException("expected a Login Response, not " + response);
    }
    int status = response.u16(36);
    if (status != 0) {
      String address =
          TextKeys.decode(response.dataBytes()).stream()
              .filter(pair -> pair.getKey().equals("TargetAddress"))
              .map(pair -> ", " + pair.getValue())
              .findFirst()
              .orElse("");
      throw new LoginException(
          status,
          String.format(
              "%s refuses the login: %s (0x%04x)%s",
              Objects.requireNonNullElse(options.targetName(), "the target"),
              LoginException.text(status),
              status,
              address));
    }
    expStatSn = response.statSn() + 1;
    return response;
  }
}
