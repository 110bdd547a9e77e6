// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import java.net.InetSocketAddress;
import org.anabranch.block.count.Counts;
import org.anabranch.iscsi.wire.Digests;

/**
 * A session as an administrator sees it.
 *
 * @param tsih the target's handle for it, 1 to 65535
 * @param isid the initiator's, 48 bits
 * @param target empty for a discovery session
 * @param portal the address of the server that the initiator has connected to
 * @param commands commands in flight
 * @param counts what it has counted, see {@link SessionCounter}; goes on
 */
public record SessionInfo(
    int tsih,
    long isid,
    String initiator,
    String target,
    int portalGroupTag,
    InetSocketAddress from,
    InetSocketAddress portal,
    Digests digests,
    int commands,
    Counts counts) {
  /** Commands answered so far. */
  public long commandsDone() {
    return counts.counters(SessionCounter.class).get(SessionCounter.COMMANDS);
  }
}
