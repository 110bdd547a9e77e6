// SPDX-License-Identifier: Apache-2.0

/**
 * Sessions in full feature phase (RFC 7143 4.2, 7): their life, their commands, their end.
 *
 * <pre>
 *   a second login of the same initiator         Sessions, Session
 *   what others hear of a session                SessionEvents, SessionInfo
 *   a PDU in full feature phase                  FullFeaturePhase, Rejects
 *   a CmdSN, MaxCmdSN                            CommandWindow
 *   a command, from its PDU to its response      Commands, IscsiCommand
 *   data on its way in                           DataOut, Transfer
 *   data, R2T and status on their way out        Responses
 *   memory that runs short                       Claim, CommandWindow; DataMemory of shares
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
 * A command in a place of its session's command window has FirstBurstLength bytes, the most that it
 * can send without an R2T; nothing if the session may send nothing unasked. This memory goes to the
 * sessions that use it. While it is scarce, logins are offered a shorter FirstBurstLength instead
 * of fewer places, and a command that sends data for which there is none is refused with TASK SET
 * FULL. A command that needs more waits until it can be reserved, and until its session does not
 * hold more than is left for others; only then are R2Ts sent or the command executed. While
 * commands wait for memory, windows do not open further. So the protocol itself slows initiators
 * down, and the total is bounded.
 */
@NullMarked
package org.anabranch.iscsi.session;

import org.jspecify.annotations.NullMarked;
