// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The keys of login and text (RFC 7143 13, 12.1), one row for each: how it is negotiated, the range
 * of its values, and where it may appear. Login, text requests and SendTargets use this table. To
 * add a key, add a row here, and a line in {@link Negotiation#take} if its value is used.
 *
 * <pre>
 *   kind                 the answer to what an initiator offers
 *   Choice               the first of its values that the target knows, else Reject
 *   Either, Both         Yes if one, if both of the two say Yes
 *   Lesser, Greater      the lesser, the greater of its number and the target's
 *   Declaration          none; Reject if the number is out of range
 *   FreeText             none
 *   NotOffered           Reject: nothing that an initiator offers, or nothing at this place
 *
 *   scope                the key may appear in
 *   FIRST                the first login request; again only with the same value
 *   SECURITY             the security stage, and means nothing elsewhere
 *   LOGIN                the login of any session
 *   NORMAL               the login of a normal session; Irrelevant in a discovery session's
 *   ANYWHERE             login and text requests
 *   FULL_FEATURE         text requests
 *   TARGET               responses: only the target declares it
 *   OBSOLETE             nowhere; answered with Reject, never with NotUnderstood (13.25)
 * </pre>
 */
public enum Key {
  INITIATOR_NAME("InitiatorName", Scope.FIRST, new FreeText()),
  TARGET_NAME("TargetName", Scope.FIRST, new FreeText()),
  SESSION_TYPE("SessionType", Scope.FIRST, new FreeText()),
  INITIATOR_ALIAS("InitiatorAlias", Scope.ANYWHERE, new FreeText()),

  AUTH_METHOD("AuthMethod", Scope.SECURITY, new NotOffered()),
  CHAP_A("CHAP_A", Scope.SECURITY, new NotOffered()),
  CHAP_I("CHAP_I", Scope.SECURITY, new NotOffered()),
  CHAP_C("CHAP_C", Scope.SECURITY, new NotOffered()),
  CHAP_N("CHAP_N", Scope.SECURITY, new NotOffered()),
  CHAP_R("CHAP_R", Scope.SECURITY, new NotOffered()),

  HEADER_DIGEST("HeaderDigest", Scope.LOGIN, new Choice("CRC32C", "None")),
  DATA_DIGEST("DataDigest", Scope.LOGIN, new Choice("CRC32C", "None")),
  MAX_RECV_DATA_SEGMENT_LENGTH(
      "MaxRecvDataSegmentLength", Scope.ANYWHERE, new Declaration(512, 16777215)),
  DEFAULT_TIME_2_WAIT("DefaultTime2Wait", Scope.LOGIN, new Greater(0, 3600, limits -> 0)),
  // No task outlives its connection at error recovery level 0.
  DEFAULT_TIME_2_RETAIN("DefaultTime2Retain", Scope.LOGIN, new Lesser(0, 3600, limits -> 0)),
  ERROR_RECOVERY_LEVEL("ErrorRecoveryLevel", Scope.LOGIN, new Lesser(0, 2, limits -> 0)),
  // 1: RFC 7143 (13.26)
  ISCSI_PROTOCOL_LEVEL("iSCSIProtocolLevel", Scope.LOGIN, new Lesser(0, 31, limits -> 1)),

  MAX_CONNECTIONS("MaxConnections", Scope.NORMAL, new Lesser(1, 65535, limits -> 1)),
  INITIAL_R2T("InitialR2T", Scope.NORMAL, new Either(false)),
  IMMEDIATE_DATA("ImmediateData", Scope.NORMAL, new Both(true)),
  MAX_BURST_LENGTH(
      "MaxBurstLength", Scope.NORMAL, new Lesser(512, 16777215, IscsiLimits::maxBurstLength)),
  FIRST_BURST_LENGTH(
      "FirstBurstLength", Scope.NORMAL, new Lesser(512, 16777215, IscsiLimits::firstBurstLength)),
  MAX_OUTSTANDING_R2T(
      "MaxOutstandingR2T", Scope.NORMAL, new Lesser(1, 65535, IscsiLimits::maxOutstandingR2t)),
  DATA_PDU_IN_ORDER("DataPDUInOrder", Scope.NORMAL, new Either(true)),
  DATA_SEQUENCE_IN_ORDER("DataSequenceInOrder", Scope.NORMAL, new Either(true)),
  TASK_REPORTING("TaskReporting", Scope.NORMAL, new Choice("RFC3720")),

  SEND_TARGETS("SendTargets", Scope.FULL_FEATURE, new NotOffered()),

  TARGET_ALIAS("TargetAlias", Scope.TARGET, new NotOffered()),
  TARGET_ADDRESS("TargetAddress", Scope.TARGET, new NotOffered()),
  TARGET_PORTAL_GROUP_TAG("TargetPortalGroupTag", Scope.TARGET, new NotOffered()),

  IF_MARKER("IFMarker", Scope.OBSOLETE, new NotOffered()),
  OF_MARKER("OFMarker", Scope.OBSOLETE, new NotOffered()),
  IF_MARK_INT("IFMarkInt", Scope.OBSOLETE, new NotOffered()),
  OF_MARK_INT("OFMarkInt", Scope.OBSOLETE, new NotOffered());

  /** Where a key may appear. */
  public enum Scope {
    FIRST,
    SECURITY,
    LOGIN,
    NORMAL,
    ANYWHERE,
    FULL_FEATURE,
    TARGET,
    OBSOLETE
  }

  /** How a key is negotiated (RFC 7143 6.2, 13). */
  sealed interface Kind {
    /**
     * The answer to a value that an initiator offers: "" for no answer, null for an invalid value.
     */
    @Nullable String answer(String value, IscsiLimits limits);
  }

  /** A list of values, in the initiator's order. */
  record Choice(List<String> known) implements Kind {
    Choice(String... known) {
      this(List.of(known));
    }

    @Override
    public @Nullable String answer(String value, IscsiLimits limits) {
      for (String offered : value.split(",", -1)) {
        if (known.contains(offered)) {
          return offered;
        }
      }
      return null;
    }
  }

  /** Yes if one of the two offers Yes. */
  record Either(boolean ours) implements Kind {
    @Override
    public @Nullable String answer(String value, IscsiLimits limits) {
      return isBoolean(value) ? (ours ? YES : value) : null;
    }
  }

  /** Yes if both offer Yes. */
  record Both(boolean ours) implements Kind {
    @Override
    public @Nullable String answer(String value, IscsiLimits limits) {
      return isBoolean(value) ? (ours ? value : NO) : null;
    }
  }

  /** The lesser of two numbers; least and most are the key's range. */
  record Lesser(int least, int most, ToIntFunction<IscsiLimits> ours) implements Kind {
    @Override
    public @Nullable String answer(String value, IscsiLimits limits) {
      int number = number(value, least, most);
      return number < 0 ? null : String.valueOf(Math.min(number, ours.applyAsInt(limits)));
    }
  }

  /** The greater of two numbers. */
  record Greater(int least, int most, ToIntFunction<IscsiLimits> ours) implements Kind {
    @Override
    public @Nullable String answer(String value, IscsiLimits limits) {
      int number = number(value, least, most);
      return number < 0 ? null : String.valueOf(Math.max(number, ours.applyAsInt(limits)));
    }
  }

  /** A number that each side declares for itself. */
  record Declaration(int least, int most) implements Kind {
    @Override
    public @Nullable String answer(String value, IscsiLimits limits) {
      return number(value, least, most) < 0 ? null : "";
    }
  }

  /** Text without an answer. */
  record FreeText() implements Kind {
    @Override
    public String answer(String value, IscsiLimits limits) {
      return "";
    }
  }

  /** A key that an initiator cannot offer. */
  record NotOffered() implements Kind {
    @Override
    public @Nullable String answer(String value, IscsiLimits limits) {
      return null;
    }
  }

  static final String YES = "Yes";
  static final String NO = "No";

  private static final Map<String, Key> BY_TEXT = new HashMap<>();

  static {
    for (Key key : values()) {
      BY_TEXT.put(key.text, key);
    }
  }

  private final String text;
  private final Scope scope;

  @SuppressWarnings("ImmutableEnumChecker") // the kinds are records of immutable values
  private final Kind kind;

  Key(String text, Scope scope, Kind kind) {
    this.text = text;
    this.scope = scope;
    this.kind = kind;
  }

  /** The key of this name; null for one that RFC 7143 does not have. */
  public static @Nullable Key named(String text) {
    return BY_TEXT.get(text);
  }

  public String text() {
    return text;
  }

  public Scope scope() {
    return scope;
  }

  Kind kind() {
    return kind;
  }

  private static boolean isBoolean(String value) {
    return value.equals(YES) || value.equals(NO);
  }

  /** A decimal number, or hexadecimal with 0x (6.1). Negative if it is invalid or out of range. */
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
