// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.time.Duration;

/**
 * What the server grants at most. Lengths are bytes.
 *
 * @param sessions sessions at once, discovery included; 1 to 65535
 * @param connections connections at once, those before login included
 * @param connectionsBeforeLogin connections at once that have not finished login
 * @param bytesBeforeLogin text a connection may send before it has finished login
 * @param loginTimeout from accept to the end of login
 * @param pingInterval silence after which the server sends a NOP-In
 * @param pingTimeout silence after the NOP-In that drops the connection
 * @param sendTimeout how long an initiator may read nothing while answers wait for it, or send
 *     nothing of the data that was asked for
 * @param maxRecvDataSegmentLength what the server declares; 8192 to 16777212
 * @param maxBurstLength 262144 (the protocol's default, that nobody need negotiate) to 16777212
 * @param firstBurstLength 65536 (likewise) to maxBurstLength
 * @param maxOutstandingR2t 1 to 65535
 * @param queueDepth the widest command window of a session; 1 to 65535
 * @param dataMemory memory for the data of all commands of all sessions
 */
public record IscsiLimits(
    int sessions,
    int connections,
    int connectionsBeforeLogin,
    int bytesBeforeLogin,
    Duration loginTimeout,
    Duration pingInterval,
    Duration pingTimeout,
    Duration sendTimeout,
    int maxRecvDataSegmentLength,
    int maxBurstLength,
    int firstBurstLength,
    int maxOutstandingR2t,
    int queueDepth,
    long dataMemory) {

  /** What suits a server with some hundreds of megabytes to spare. */
  public static final IscsiLimits DEFAULTS =
      new IscsiLimits(
          1024,
          2048,
          64,
          65536,
          Duration.ofSeconds(15),
          Duration.ofSeconds(30),
          Duration.ofSeconds(60),
          Duration.ofSeconds(30),
          262144,
          1048576,
          65536,
          4,
          128,
          256L << 20);

  public IscsiLimits {
    within("sessions", sessions, 1, 65535);
    within("connections", connections, 1, Integer.MAX_VALUE);
    within("connectionsBeforeLogin", connectionsBeforeLogin, 1, Integer.MAX_VALUE);
    within("bytesBeforeLogin", bytesBeforeLogin, 8192, 1 << 24);
    within("maxRecvDataSegmentLength", maxRecvDataSegmentLength, 8192, 16777212);
    within("maxBurstLength", maxBurstLength, 262144, 16777212);
    within("firstBurstLength", firstBurstLength, 65536, maxBurstLength);
    within("maxOutstandingR2t", maxOutstandingR2t, 1, 65535);
    within("queueDepth", queueDepth, 1, 65535);
    within("dataMemory", dataMemory, 2L * firstBurstLength, Long.MAX_VALUE);
  }

  private static void within(String name, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          name + " is " + value + ", allowed are " + least + " to " + most);
    }
  }
}
