// SPDX-License-Identifier: Apache-2.0
/**
 * The iSCSI server in the simulator: the real connections, sessions, logical units and block layer
 * on one clock, one executor and a network that one seed decides.
 *
 * <pre>
 *   {@link org.anabranch.iscsi.sim.SimEventLoop}   an event loop of Netty on the simulator's scheduler
 *   {@link org.anabranch.iscsi.sim.SimChannel}     a channel of Netty at one end of a link
 *   {@link org.anabranch.iscsi.sim.SimLink}        TCP: in order, delayed, sometimes silent or cut
 *   {@link org.anabranch.iscsi.sim.SimWire}        the initiator's end: PDUs, and the numbers that they must have
 *   {@link org.anabranch.iscsi.sim.SimInitiator}   an initiator that holds every answer against the model
 *   {@link org.anabranch.iscsi.sim.SimTarget}      the server, its LUNs, and what must be left at the end
 *   {@link org.anabranch.iscsi.sim.IscsiHistory}   what several initiators do, by seed
 * </pre>
 */
@NullMarked
package org.anabranch.iscsi.sim;

import org.jspecify.annotations.NullMarked;
