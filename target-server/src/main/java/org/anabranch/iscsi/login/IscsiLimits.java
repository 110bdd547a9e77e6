// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.time.Duration;
import org.anabranch.config.IscsiConfig;
import org.anabranch.config.LimitsConfig;
import org.anabranch.config.PeerLimitsConfig;
import org.anabranch.iscsi.shares.TokenBucket;

/**
 * The limits of the server, a view of the configuration. Lengths are in bytes.
 *
 * @param counts the largest numbers of sessions, connections and commands, and the data memory
 * @param protocol the limits in negotiation, and timeouts
 * @param bytesBeforeLogin text that a connection may send before it has finished login
 */
public record IscsiLimits(LimitsConfig counts, IscsiConfig protocol, int bytesBeforeLogin) {
  private static final int BYTES_BEFORE_LOGIN = 65536;

  /** The least FirstBurstLength that is offered while memory is scarce. */
  public static final int LEAST_FIRST_BURST = 4096;

  /** Suitable for a server that can use some hundreds of megabytes. */
  public static final IscsiLimits DEFAULTS =
      new IscsiLimits(
          new LimitsConfig(
              1024,
              2048,
              16384,
              new PeerLimitsConfig(1024, 256, 512, 100, 512, 64, 64L << 20),
              128,
              256L << 20,
              64,
              256),
          new IscsiConfig(
              Duration.ofSeconds(15),
              Duration.ofSeconds(30),
              Duration.ofSeconds(60),
              Duration.ofSeconds(30),
              262144,
              1048576,
              65536,
              4));

  public IscsiLimits(LimitsConfig counts, IscsiConfig protocol) {
    this(counts, protocol, BYTES_BEFORE_LOGIN);
  }

  public IscsiLimits {
    within("sessions", counts.sessions(), 1, 65535);
    within("connections", counts.connections(), 1, Integer.MAX_VALUE);
    within("silent connections", counts.silentConnections(), 1, Integer.MAX_VALUE);
    PeerLimitsConfig peers = counts.peers();
    within("connections per address", peers.connectionsPerAddress(), 1, Integer.MAX_VALUE);
    within("connections before login", peers.connectionsBeforeLogin(), 1, Integer.MAX_VALUE);
    within("login burst", peers.loginBurst(), 1, Integer.MAX_VALUE);
    within("login rate", peers.loginRate(), 1, Integer.MAX_VALUE);
    within("sessions per initiator", peers.sessionsPerInitiator(), 1, 65535);
    within("discovery sessions", peers.discoverySessions(), 1, 65535);
    within("bytes before login", bytesBeforeLogin, 8192, 1 << 24);
    within("MaxRecvDataSegmentLength", protocol.maxRecvDataSegmentLength(), 8192, 16777212);
    within("MaxBurstLength", protocol.maxBurstLength(), 262144, 16777212);
    within(
        "FirstBurstLength",
        protocol.firstBurstLength(),
        LEAST_FIRST_BURST,
        protocol.maxBurstLength());
    within("MaxOutstandingR2T", protocol.maxOutstandingR2t(), 1, 65535);
    within("queue depth", counts.queueDepth(), 1, 65535);
    within("data memory", counts.memory(), 2L * protocol.firstBurstLength(), Long.MAX_VALUE);
  }

  /** The same with another FirstBurstLength. */
  public IscsiLimits withFirstBurstLength(int bytes) {
    IscsiConfig other =
        new IscsiConfig(
            protocol.loginTimeout(),
            protocol.keepaliveInterval(),
            protocol.keepaliveTimeout(),
            protocol.sendTimeout(),
            protocol.maxRecvDataSegmentLength(),
            protocol.maxBurstLength(),
            bytes,
            protocol.maxOutstandingR2t());
    return new IscsiLimits(counts, other, bytesBeforeLogin);
  }

  private static void within(String name, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          name + " is " + value + ", allowed are " + least + " to " + most);
    }
  }

  /** Normal sessions at once. */
  public int sessions() {
    return counts.sessions();
  }

  /** Connections at once that have sent something, those before login included. */
  public int connections() {
    return counts.connections();
  }

  /** Connections at once that have sent nothing yet, beside the others. */
  public int silentConnections() {
    return counts.silentConnections();
  }

  /** Connections at once that have sent something and have not finished login. */
  public int connectionsBeforeLogin() {
    return counts.peers().connectionsBeforeLogin();
  }

  /** Connections at once from one {@code AddressBlock} that have sent something. */
  public int connectionsPerAddress() {
    return counts.peers().connectionsPerAddress();
  }

  /** How fast one {@code AddressBlock} may log in. */
  public TokenBucket.Rate loginRate() {
    return new TokenBucket.Rate(counts.peers().loginBurst(), counts.peers().loginRate());
  }

  /** Normal sessions at once of one initiator name. */
  public int sessionsPerInitiator() {
    return counts.peers().sessionsPerInitiator();
  }

  /** Bytes that may wait for peers to read them before each has to do with little. */
  public long unsentBytes() {
    return counts.peers().unsentBytes();
  }

  /** How long the rest of a PDU may take to come, if next to nothing of it comes. */
  public Duration receiveTimeout() {
    return protocol.sendTimeout().dividedBy(3);
  }

  /** Discovery sessions at once. */
  public int discoverySessions() {
    return counts.peers().discoverySessions();
  }

  /** The widest command window of a session. */
  public int queueDepth() {
    return counts.queueDepth();
  }

  /** Memory for the data of all commands of all sessions. */
  public long dataMemory() {
    return counts.memory();
  }

  /** From accept to the end of login. */
  public Duration loginTimeout() {
    return protocol.loginTimeout();
  }

  /**
   * How long an initiator may read nothing while responses are queued for it, or send no data that
   * was solicited.
   */
  public Duration sendTimeout() {
    return protocol.sendTimeout();
  }

  /** The MaxRecvDataSegmentLength that the server declares. */
  public int maxRecvDataSegmentLength() {
    return protocol.maxRecvDataSegmentLength();
  }

  public int maxBurstLength() {
    return protocol.maxBurstLength();
  }

  public int firstBurstLength() {
    return protocol.firstBurstLength();
  }

  public int maxOutstandingR2t() {
    return protocol.maxOutstandingR2t();
  }
}
