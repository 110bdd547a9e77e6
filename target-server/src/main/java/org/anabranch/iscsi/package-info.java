// SPDX-License-Identifier: Apache-2.0

/**
 * iSCSI (RFC 7143): PDUs, login, sessions and tasks. Calls {@code scsi}; knows nothing below it.
 *
 * <h2>Who asks what happens to X opens ...</h2>
 *
 * <pre>
 *   bytes from the socket                     PduDecoder, Pdu
 *   a login, its stages, its refusals         Login, LoginNegotiation
 *   a key of login or text                    Key (the table), Negotiation
 *   CHAP                                      ChapAuthentication
 *   a second login of the same initiator      Sessions, Session
 *   discovery                                 SendTargets, DiscoveryPolicy
 *   a PDU in full feature phase               FullFeaturePhase
 *   a CmdSN, MaxCmdSN                         CommandWindow
 *   a command, from its PDU to its response   Commands
 *   data on its way in                        DataOut
 *   data, R2T and status on their way out     Responses, PduEncoder
 *   memory that runs short                    DataMemory, CommandWindow
 *   a task management function                TaskManagement
 *   a peer that is dead, or never reads       Keepalive, SendTimeout
 *   a peer that keeps data from us            DataOutTimeout
 *   a server that stops                       IscsiServer.stop
 * </pre>
 *
 * <h2>Threads</h2>
 *
 * A connection belongs to one event loop. A session has one connection (MaxConnections=1, error
 * recovery level 0), so all its state is that loop's and has no lock. The SCSI layer ends tasks on
 * any thread: they are pushed on a stack of the session, and the loop takes all that are there at
 * once, writes their responses, and flushes once. What several loops share is small and locked:
 * {@link org.anabranch.iscsi.Sessions}, {@link org.anabranch.iscsi.DataMemory}. No lock is held
 * when another layer is called.
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
 * Nothing is accumulated on the way in: the decoder keeps 48 bytes of header (and its extension)
 * and moves each piece of a data segment to where it belongs, so a length that a peer claims takes
 * no memory. The one who says where it belongs has reserved the memory before.
 *
 * <h2>Memory</h2>
 *
 * Each place in a session's command window is backed by FirstBurstLength bytes, the most that a
 * command can bring unasked. A command that needs more waits its turn for it; only then are bursts
 * asked for (R2T) or is the command executed. While commands wait, windows do not open again. So an
 * initiator is slowed down by the protocol's own means, and the total has a bound.
 *
 * <h2>What is deliberately not done</h2>
 *
 * Several connections in a session, error recovery above level 0, markers, bidirectional commands:
 * negotiated away, or refused by the answer that the RFC has for it. Data-In of several commands is
 * not interleaved.
 */
@NullMarked
package org.anabranch.iscsi;

import org.jspecify.annotations.NullMarked;
