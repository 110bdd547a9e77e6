// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

/**
 * How much the server takes on.
 *
 * @param sessions normal sessions logged in at the same time
 * @param connections open at the same time, discovery and those before login included
 * @param peers how much of that one peer can take
 * @param queueDepth commands that one session may have outstanding
 * @param memory bytes for the data of commands in flight, over all sessions
 * @param controlCommands of one user's {@code anabranch} commands, how many may be at work
 * @param controlWaiting the same of those that wait or take long
 */
public record LimitsConfig(
    int sessions,
    int connections,
    PeerLimitsConfig peers,
    int queueDepth,
    long memory,
    int controlCommands,
    int controlWaiting) {
  /** The same limits with other numbers of these three. */
  public LimitsConfig within(int newSessions, int newConnections, long newMemory) {
    return new LimitsConfig(
        newSessions, newConnections, peers, queueDepth, newMemory, controlCommands, controlWaiting);
  }
}
