// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

/**
 * How much the server takes on.
 *
 * @param sessions normal sessions logged in at the same time
 * @param connections open at the same time that have sent something, discovery and those before
 *     login included
 * @param silentConnections beside these, connections that have sent nothing yet
 * @param peers how much of that one peer can take
 * @param queueDepth commands that one session may have outstanding
 * @param memory bytes for the data of commands in flight, over all sessions
 * @param controlCommands of one user's {@code anabranch} commands, how many may be at work
 * @param controlWaiting the same of those that wait or take long
 */
public record LimitsConfig(
    int sessions,
    int connections,
    int silentConnections,
    PeerLimitsConfig peers,
    int queueDepth,
    long memory,
    int controlCommands,
    int controlWaiting) {
  /** The same limits with other numbers of these four. */
  public LimitsConfig within(
      int newSessions, int newConnections, int newSilentConnections, long newMemory) {
    return new LimitsConfig(
        newSessions,
        newConnections,
        newSilentConnections,
        peers,
        queueDepth,
        newMemory,
        controlCommands,
        controlWaiting);
  }
}
