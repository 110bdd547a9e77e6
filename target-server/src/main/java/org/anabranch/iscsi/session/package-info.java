// SPDX-License-Identifier: Apache-2.0

/**
 * Sessions in full feature phase (RFC 7143 4.2, 7): their places, their commands, their end.
 *
 * <pre>
 *   a second login of the same initiator         Sessions, Session
 *   what others hear of a session                SessionEvents, SessionInfo
 *   a PDU in full feature phase                  FullFeaturePhase, Rejects
 *   a CmdSN, MaxCmdSN                            CommandWindow
 *   a command, from its PDU to its response      Commands, IscsiCommand
 *   data on its way in                           DataOut, Transfer
 *   data, R2T and status on their way out        Responses
 *   memory that runs short                       DataMemory, Claim, CommandWindow
 *   a task management function                   TaskManagement
 *   text and SendTargets                         TextExchange, Discovery
 *   a peer that is dead, or keeps data from us   Keepalive, DataOutTimeout
 * </pre>
 *
 * <h2>The way of a command</h2>
 *
 * <pre>
 *   socket buffer ---- Data-Out, one copy ----&gt; task's buffer ---&gt; TaskRouter
 *                                                                     |
 *   socket &lt;--- [room][data the logical unit filled][digest] &lt;--------+
 *                the header is written into the room; nothing is copied
 * </pre>
 *
 * <h2>Memory</h2>
 *
 * Each place in a session's command window is backed by FirstBurstLength bytes, the most that a
 * command can bring unasked. A command that needs more waits its turn for it; only then are bursts
 * asked for (R2T) or is the command executed. While commands wait, windows do not open again. So an
 * initiator is slowed down by the protocol's own means, and the total has a bound.
 */
@NullMarked
package org.anabranch.iscsi.session;

import org.jspecify.annotations.NullMarked;
