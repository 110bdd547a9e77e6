// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.anabranch.iscsi.wire.Digests;
import org.anabranch.jscsi.MalformedPduException;

/**
 * Negotiation of operational keys (RFC 7143 6.2, 13): the initiator offers, the target answers with
 * the result, by the table {@link Key}. The target's own limits are never below a key's default, so
 * it need not offer anything itself.
 *
 * <pre>
 *   key unknown to RFC 7143             NotUnderstood
 *   value outside the key's range       Reject, and the parameter stays as it was
 *   key without meaning for discovery   Irrelevant
 *   a burst below the first burst that an earlier request agreed on
 *                                       Reject
 *   key offered a second time           the negotiation fails
 *   NotUnderstood, Reject or Irrelevant for a key that is unknown to us
 *                                       nothing
 * </pre>
 *
 * Owned by the connection's event loop.
 */
public final class Negotiation {
  public static final String REJECT = "Reject";
  private static final String IRRELEVANT = "Irrelevant";
  public static final String NOT_UNDERSTOOD = "NotUnderstood";

  private final IscsiLimits limits;
  private final Parameters parameters;
  private final SessionType type;
  private final Set<String> seen = new HashSet<>();
  private boolean declared;
  private boolean firstBurstAgreed;

  public Negotiation(IscsiLimits limits, Parameters parameters, SessionType type) {
    this.limits = limits;
    this.parameters = parameters;
    this.type = type;
  }

  /**
   * Answers the offers of one request, in their order.
   *
   * @throws MalformedPduException a key was offered before in this login
   */
  public void answer(Map<String, String> offers, Text answers) throws MalformedPduException {
    for (String key : offers.keySet()) {
      if (!seen.add(key)) {
        throw new MalformedPduException("key negotiated twice: " + key);
      }
    }
    // Before FirstBurstLength, which must not exceed it (13.14), whatever their order.
    String burstKey = Key.MAX_BURST_LENGTH.text();
    String burst = offers.get(burstKey);
    String burstAnswer = burst == null ? "" : answer(burstKey, burst);
    for (Map.Entry<String, String> offer : offers.entrySet()) {
      String key = offer.getKey();
      String answer = key.equals(burstKey) ? burstAnswer : answer(key, offer.getValue());
      if (!answer.isEmpty()) {
        answers.add(key, answer);
      }
    }
  }

  /** Declares what the target receives, once, unless the initiator's declaration was rejected. */
  void declare(Text answers) {
    if (!declared) {
      declared = true;
      answers.add(
          Key.MAX_RECV_DATA_SEGMENT_LENGTH.text(),
          String.valueOf(limits.maxRecvDataSegmentLength()));
    }
  }

  /** The answer to a key; "" for none. */
  private String answer(String name, String value) {
    Key key = Key.named(name);
    if (key == null) {
      return isAnswer(value) ? "" : NOT_UNDERSTOOD;
    }
    if (type == SessionType.DISCOVERY && key.scope() == Key.Scope.NORMAL) {
      return IRRELEVANT;
    }
    String result = isTooShort(key, value) ? null : key.kind().answer(value, limits);
    if (result == null) {
      // A key has one answer. So the target's own declaration is omitted, and the default applies.
      declared |= key == Key.MAX_RECV_DATA_SEGMENT_LENGTH;
      return REJECT;
    }
    return take(key, value, result);
  }

  /** Whether a burst is below the first burst that an earlier request agreed on. */
  private boolean isTooShort(Key key, String value) {
    return key == Key.MAX_BURST_LENGTH
        && firstBurstAgreed
        && Key.number(value, parameters.firstBurstLength, Integer.MAX_VALUE) < 0;
  }

  /**
   * Stores a result in the session's parameters.
   *
   * @return the answer to give
   */
  private String take(Key key, String value, String result) {
    Parameters p = parameters;
    switch (key) {
      case HEADER_DIGEST ->
          p.headerDigest = Digests.Digest.valueOf(result.toUpperCase(Locale.ROOT));
      case DATA_DIGEST -> p.dataDigest = Digests.Digest.valueOf(result.toUpperCase(Locale.ROOT));
      case INITIAL_R2T -> p.initialR2t = result.equals(Key.YES);
      case IMMEDIATE_DATA -> p.immediateData = result.equals(Key.YES);
      case MAX_RECV_DATA_SEGMENT_LENGTH ->
          p.maxSendDataSegmentLength = Key.number(value, 0, Integer.MAX_VALUE);
      case MAX_OUTSTANDING_R2T -> p.maxOutstandingR2t = Integer.parseInt(result);
      case DEFAULT_TIME_2_WAIT -> p.time2Wait = Integer.parseInt(result);
      case MAX_BURST_LENGTH -> {
        p.maxBurstLength = Integer.parseInt(result);
        p.firstBurstLength = Math.min(p.firstBurstLength, p.maxBurstLength);
      }
      case FIRST_BURST_LENGTH -> {
        firstBurstAgreed = true;
        p.firstBurstLength = Math.min(Integer.parseInt(result), p.maxBurstLength);
        return String.valueOf(p.firstBurstLength);
      }
      default -> {
        // nothing depends on it
      }
    }
    return result;
  }

  /** Whether it is NotUnderstood, Reject or Irrelevant, and not a value (6.2). */
  public static boolean isAnswer(String value) {
    return value.equals(NOT_UNDERSTOOD) || value.equals(REJECT) || value.equals(IRRELEVANT);
  }
}
