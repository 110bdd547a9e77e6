// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.anabranch.jscsi.MalformedPduException;
import org.jspecify.annotations.Nullable;

/**
 * Negotiation of operational keys (RFC 7143 6.2, 13): the initiator offers, the target answers with
 * the result. One row of {@link #answer} for each key. The target's own limits are never below a
 * key's default, so it need not offer anything itself.
 *
 * <pre>
 *   key unknown to RFC 7143             NotUnderstood
 *   value outside the key's range       Reject, and the parameter stays as it was
 *   key without meaning for discovery   Irrelevant
 *   a burst below the first burst that an earlier request agreed on
 *                                       Reject
 *   key offered a second time           the negotiation fails
 * </pre>
 *
 * Owned by the connection's event loop.
 */
final class Negotiation {
  static final String REJECT = "Reject";
  private static final String IRRELEVANT = "Irrelevant";
  static final String NOT_UNDERSTOOD = "NotUnderstood";
  private static final String MAX_BURST_LENGTH = "MaxBurstLength";
  private static final List<String> DIGESTS = List.of("CRC32C", "None");
  private static final List<String> REPORTING = List.of("RFC3720");

  private final IscsiLimits limits;
  private final Parameters parameters;
  private final boolean discovery;
  private final Set<String> seen = new HashSet<>();
  private boolean declared;
  private boolean firstBurstAgreed;

  Negotiation(IscsiLimits limits, Parameters parameters, boolean discovery) {
    this.limits = limits;
    this.parameters = parameters;
    this.discovery = discovery;
  }

  /**
   * Answers what was offered, in its order.
   *
   * @throws MalformedPduException a key was offered before in this login
   */
  void answer(Map<String, String> offers, Text answers) throws MalformedPduException {
    for (String key : offers.keySet()) {
      if (!seen.add(key)) {
        throw new MalformedPduException("key negotiated twice: " + key);
      }
    }
    // Before the first burst, which is a part of a burst (13.14), whatever order they came in.
    String burst = offers.get(MAX_BURST_LENGTH);
    String burstAnswer = burst == null ? null : answer(MAX_BURST_LENGTH, burst);
    for (Map.Entry<String, String> offer : offers.entrySet()) {
      String key = offer.getKey();
      String answer = key.equals(MAX_BURST_LENGTH) ? burstAnswer : answer(key, offer.getValue());
      if (answer != null) {
        answers.add(key, answer);
      }
    }
  }

  /** Declares what the target receives, once, unless the initiator's declaration was rejected. */
  void declare(Text answers) {
    if (!declared) {
      declared = true;
      answers.add("MaxRecvDataSegmentLength", String.valueOf(limits.maxRecvDataSegmentLength()));
    }
  }

  /** Null where a key wants no answer. */
  private @Nullable String answer(String key, String value) {
    Parameters p = parameters;
    return switch (key) {
      case "HeaderDigest" -> {
        String chosen = choose(value, DIGESTS);
        p.headerDigest = chosen.equals("CRC32C");
        yield chosen;
      }
      case "DataDigest" -> {
        String chosen = choose(value, DIGESTS);
        p.dataDigest = chosen.equals("CRC32C");
        yield chosen;
      }
      case "MaxRecvDataSegmentLength" -> {
        int length = number(value, 512, 16777215);
        if (length < 0) {
          declared = true; // a key has one answer: ours keeps its default then
          yield REJECT;
        }
        p.maxSendDataSegmentLength = length;
        yield null;
      }
      case "InitialR2T" -> {
        if (discovery || !isBoolean(value)) {
          yield unless(discovery);
        }
        p.initialR2t = value.equals("Yes");
        yield value;
      }
      case "ImmediateData" -> {
        if (discovery || !isBoolean(value)) {
          yield unless(discovery);
        }
        p.immediateData = value.equals("Yes");
        yield value;
      }
      case MAX_BURST_LENGTH -> {
        int length = number(value, firstBurstAgreed ? p.firstBurstLength : 512, 16777215);
        if (discovery || length < 0) {
          yield unless(discovery);
        }
        p.maxBurstLength = Math.min(length, limits.maxBurstLength());
        p.firstBurstLength = Math.min(p.firstBurstLength, p.maxBurstLength);
        yield String.valueOf(p.maxBurstLength);
      }
      case "FirstBurstLength" -> {
        int length = number(value, 512, 16777215);
        if (discovery || length < 0) {
          yield unless(discovery);
        }
        firstBurstAgreed = true;
        p.firstBurstLength =
            Math.min(length, Math.min(limits.firstBurstLength(), p.maxBurstLength));
        yield String.valueOf(p.firstBurstLength);
      }
      case "MaxOutstandingR2T" -> {
        int most = number(value, 1, 65535);
        if (discovery || most < 0) {
          yield unless(discovery);
        }
        p.maxOutstandingR2t = Math.min(most, limits.maxOutstandingR2t());
        yield String.valueOf(p.maxOutstandingR2t);
      }
      case "DefaultTime2Wait" -> {
        int seconds = number(value, 0, 3600);
        if (seconds < 0) {
          yield REJECT;
        }
        p.time2Wait = seconds;
        yield String.valueOf(seconds);
      }
      // No task outlives its connection at error recovery level 0.
      case "DefaultTime2Retain" -> number(value, 0, 3600) < 0 ? REJECT : "0";
      case "MaxConnections" -> discovery || number(value, 1, 65535) < 0 ? unless(discovery) : "1";
      case "DataPDUInOrder", "DataSequenceInOrder" ->
          discovery || !isBoolean(value) ? unless(discovery) : "Yes";
      case "ErrorRecoveryLevel" -> number(value, 0, 2) < 0 ? REJECT : "0";
      case "TaskReporting" -> discovery ? IRRELEVANT : choose(value, REPORTING);
      // 1: RFC 7143 (13.26)
      case "iSCSIProtocolLevel" -> {
        int level = number(value, 0, 31);
        yield level < 0 ? REJECT : String.valueOf(Math.min(level, 1));
      }
      // Obsolete; never "NotUnderstood" (13.25).
      case "IFMarker", "OFMarker", "IFMarkInt", "OFMarkInt" -> REJECT;
      // The target's to declare, not the initiator's.
      case "TargetAlias", "TargetAddress", "TargetPortalGroupTag" -> REJECT;
      case "AuthMethod", "SendTargets" -> REJECT;
      case "InitiatorAlias" -> null;
      default -> isAnswer(value) ? null : NOT_UNDERSTOOD;
    };
  }

  private static String unless(boolean discovery) {
    return discovery ? IRRELEVANT : REJECT;
  }

  /** Whether it says something of a key, and is no value of it (6.2). */
  static boolean isAnswer(String value) {
    return value.equals(NOT_UNDERSTOOD) || value.equals(REJECT) || value.equals(IRRELEVANT);
  }

  /** The first of the initiator's values, in its order, that the target knows too. */
  private static String choose(String offered, List<String> known) {
    for (String value : offered.split(",", -1)) {
      if (known.contains(value)) {
        return value;
      }
    }
    return REJECT;
  }

  private static boolean isBoolean(String value) {
    return value.equals("Yes") || value.equals("No");
  }

  /** Decimal, or hexadecimal with 0x (6.1). Negative if it is no number from least to most. */
  static int number(String value, int least, int most) {
    boolean hex = value.startsWith("0x") || value.startsWith("0X");
    String digits = hex ? value.substring(2) : value;
    if (digits.isEmpty()
        || digits.length() > 9
        || !digits.chars().allMatch(c -> Character.digit(c, hex ? 16 : 10) >= 0 && c < 128)) {
      return -1;
    }
    long number = Long.parseLong(digits, hex ? 16 : 10);
    return number < least || number > most ? -1 : (int) number;
  }
}
