// SPDX-License-Identifier: Apache-2.0

/**
 * iSCSI (RFC 7143), in six packages. Each uses those above it in this table, never one below it.
 *
 * <pre>
 *   loop       event loops that go on when a system call hangs
 *   shares     what peers share: memory, places
 *   wire       bytes, PDUs, connections
 *   login      keys, negotiation, CHAP, who is admitted
 *   session    the command window, commands and their data, task management, text
 *   server     portals, target nodes, discovery
 * </pre>
 *
 * The page of each package says where in it what happens. A login makes a session by way of {@link
 * org.anabranch.iscsi.login.Admission}. A session knows its server as {@link
 * org.anabranch.iscsi.session.SessionTerms}. SCSI commands are executed by {@code
 * org.anabranch.scsi}; nothing here knows what lies below that.
 *
 * <h2>Threads</h2>
 *
 * A connection belongs to one event loop. That loop is driven by one thread at a time, but not
 * always by the same one: between two turns the thread may leave the loop for writes to files, and
 * if such a write hangs, another thread goes on with the loop ({@link
 * org.anabranch.iscsi.loop.RelievedLoop}). So only {@code inEventLoop()} says whether code runs in
 * the loop. A session has one connection (MaxConnections=1, error recovery level 0), so the same
 * loop owns all its state, and that state has no lock. The SCSI layer ends tasks on any thread: it
 * pushes them on a stack of the session, and the loop takes all of them at once, writes their
 * responses, and flushes once. What several loops share is small and locked: {@link
 * org.anabranch.iscsi.session.Sessions}, {@link org.anabranch.iscsi.shares.DataMemory}. No lock is
 * held while another layer is called.
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
