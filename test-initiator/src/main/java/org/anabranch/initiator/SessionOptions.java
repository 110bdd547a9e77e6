// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The login options of a session. Immutable; each method returns a changed copy.
 *
 * @param initiatorName InitiatorName
 * @param targetName TargetName; null for a discovery session
 * @param isid 48 bits; sessions with the same name, ISID and target replace each other
 * @param tsih 0 for a new session, or that of a session whose connection is replaced
 * @param cid connection identifier, 0 to 65535
 * @param chap credentials; null for AuthMethod=None
 * @param securityStage whether to use the security stage even without credentials
 * @param keys the operational keys to offer, in order, as sent
 * @param expDataSnChecked whether ExpDataSN in a SCSI Response must count the Data-In and R2T PDUs
 *     correctly (RFC 7143 11.4.8); some targets do not
 * @param timeout for each response during login
 */
public record SessionOptions(
    String initiatorName,
    @Nullable String targetName,
    long isid,
    int tsih,
    int cid,
    @Nullable ChapCredentials chap,
    boolean securityStage,
    Map<String, String> keys,
    boolean expDataSnChecked,
    Duration timeout) {

  public static final String DEFAULT_INITIATOR = "iqn.2026-11.org.anabranch:initiator";

  public SessionOptions {
    keys = Collections.unmodifiableMap(new LinkedHashMap<>(keys));
  }

  /** A normal session with a target, with its own ISID and common keys only. */
  public static SessionOptions normal(String targetName) {
    Map<String, String> keys = new LinkedHashMap<>();
    common(keys);
    keys.put("MaxConnections", "1");
    keys.put("InitialR2T", "No");
    keys.put("ImmediateData", "Yes");
    keys.put("MaxBurstLength", "1048576");
    keys.put("FirstBurstLength", "262144");
    keys.put("MaxOutstandingR2T", "16");
    keys.put("DataPDUInOrder", "Yes");
    keys.put("DataSequenceInOrder", "Yes");
    return new SessionOptions(
        DEFAULT_INITIATOR,
        targetName,
        newIsid(),
        0,
        0,
        null,
        true,
        keys,
        true,
        Duration.ofSeconds(30));
  }

  /** A discovery session, which can only list targets. */
  public static SessionOptions discovery() {
    Map<String, String> keys = new LinkedHashMap<>();
    common(keys);
    return new SessionOptions(
        DEFAULT_INITIATOR, null, newIsid(), 0, 0, null, true, keys, true, Duration.ofSeconds(30));
  }

  private static void common(Map<String, String> keys) {
    keys.put("HeaderDigest", "None");
    keys.put("DataDigest", "None");
    keys.put("MaxRecvDataSegmentLength", "262144");
    keys.put("DefaultTime2Wait", "2");
    keys.put("DefaultTime2Retain", "0");
    keys.put("ErrorRecoveryLevel", "0");
  }

  /** A random qualifier in the range that RFC 7143 11.12.5 allows. */
  private static long newIsid() {
    return 0x8000_0000_0000L | (java.util.concurrent.ThreadLocalRandom.current().nextLong() >>> 24);
  }

  /** The components of a changed copy. */
  private static final class Builder {
    String initiatorName;
    @Nullable String targetName;
    long isid;
    int tsih;
    int cid;
    @Nullable ChapCredentials chap;
    boolean securityStage;
    Map<String, String> keys;
    boolean expDataSnChecked;
    Duration timeout;

    Builder(SessionOptions options) {
      initiatorName = options.initiatorName;
      targetName = options.targetName;
      isid = options.isid;
      tsih = options.tsih;
      cid = options.cid;
      chap = options.chap;
      securityStage = options.securityStage;
      keys = new LinkedHashMap<>(options.keys);
      expDataSnChecked = options.expDataSnChecked;
      timeout = options.timeout;
    }

    SessionOptions build() {
      return new SessionOptions(
          initiatorName,
          targetName,
          isid,
          tsih,
          cid,
          chap,
          securityStage,
          keys,
          expDataSnChecked,
          timeout);
    }
  }

  private SessionOptions with(Consumer<Builder> change) {
    Builder builder = new Builder(this);
    change.accept(builder);
    return builder.build();
  }

  public SessionOptions as(String name) {
    return with(builder -> builder.initiatorName = name);
  }

  public SessionOptions isid(long qualifier) {
    return with(builder -> builder.isid = qualifier);
  }

  public SessionOptions tsih(int handle) {
    return with(builder -> builder.tsih = handle);
  }

  public SessionOptions cid(int connection) {
    return with(builder -> builder.cid = connection);
  }

  public SessionOptions chap(ChapCredentials credentials) {
    return with(builder -> builder.chap = credentials);
  }

  public SessionOptions securityStage(boolean on) {
    return with(builder -> builder.securityStage = on);
  }

  public SessionOptions timeout(Duration limit) {
    return with(builder -> builder.timeout = limit);
  }

  /** For targets whose ExpDataSN differs from what the RFC requires. */
  public SessionOptions expDataSnUnchecked() {
    return with(builder -> builder.expDataSnChecked = false);
  }

  /** Offers any key with any value. */
  public SessionOptions key(String key, String value) {
    return with(builder -> builder.keys.put(key, value));
  }

  /** Does not offer a key. */
  public SessionOptions without(String key) {
    return with(builder -> builder.keys.remove(key));
  }

  /** Offers only CRC32C for headers or data if true, otherwise none. */
  public SessionOptions digests(boolean header, boolean data) {
    return key("HeaderDigest", header ? "CRC32C" : "None")
        .key("DataDigest", data ? "CRC32C" : "None");
  }
}
