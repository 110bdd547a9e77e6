// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

/**
 * How much of the server one peer can take, and how much all take that have proven nothing.
 *
 * @param connectionsPerAddress open at the same time from one IPv4 address or IPv6 network of 64
 *     bits that have sent something
 * @param connectionsBeforeLogin open at the same time that have sent something and not logged in,
 *     over all addresses
 * @param loginBurst logins of one address that are answered without a wait
 * @param loginRate logins of one address a second, once the burst is used up; those beyond it wait
 * @param sessionsPerInitiator logged in at the same time under one initiator name
 * @param discoverySessions open at the same time, over all addresses
 * @param unsentBytes that wait for peers to read them, over all connections; beyond that, nothing
 *     more is taken from peers for whom much waits
 */
public record PeerLimitsConfig(
    int connectionsPerAddress,
    int connectionsBeforeLogin,
    int loginBurst,
    int loginRate,
    int sessionsPerInitiator,
    int discoverySessions,
    long unsentBytes) {}
