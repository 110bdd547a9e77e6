// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.util.Map;

/**
 * The result of a login. Lengths are in bytes.
 *
 * @param tsih the session's handle
 * @param keys every key that the target sent, with its last value
 * @param statSn StatSN of the last Login Response
 * @param expCmdSn ExpCmdSN of the last Login Response
 * @param maxCmdSn MaxCmdSN of the last Login Response
 * @param maxSendDataSegment the target's MaxRecvDataSegmentLength
 */
public record Parameters(
    int tsih,
    Map<String, String> keys,
    int statSn,
    int expCmdSn,
    int maxCmdSn,
    boolean headerDigest,
    boolean dataDigest,
    int maxSendDataSegment,
    int maxBurst,
    int firstBurst,
    boolean initialR2t,
    boolean immediateData) {

  /** Reads the target's keys; a missing or unusable one has its default (RFC 7143 13). */
  static Parameters of(Map<String, String> keys, Pdu last) throws IscsiException {
    int maxBurst = number(keys, "MaxBurstLength", 262_144, 512, 0xff_ffff);
    return new Parameters(
        last.u16(14),
        Map.copyOf(keys),
        last.statSn(),
        last.expCmdSn(),
        last.maxCmdSn(),
        "CRC32C".equals(keys.get("HeaderDigest")),
        "CRC32C".equals(keys.get("DataDigest")),
        number(keys, "MaxRecvDataSegmentLength", 8192, 512, 0xff_ffff),
        maxBurst,
        Math.min(maxBurst, number(keys, "FirstBurstLength", 65_536, 512, 0xff_ffff)),
        !"No".equals(keys.get("InitialR2T")),
        !"No".equals(keys.get("ImmediateData")));
  }

  private static int number(Map<String, String> keys, String key, int unset, int least, int most)
      throws IscsiException {
    String value = keys.get(key);
    if (value == null || isNoAnswer(value)) {
      return unset;
    }
    try {
      int number = Integer.decode(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new IscsiException("the target answered " + key + "=" + value, e);
    }
    throw new IscsiException("the target answered " + key + "=" + value);
  }

  static boolean isNoAnswer(String value) {
    return value.equals("Reject") || value.equals("NotUnderstood") || value.equals("Irrelevant");
  }
}
