// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.server.base.HostPort;
import org.anabranch.server.control.Doc;

/** A session that is logged in. */
public record SessionEntry(
    @Doc("for session drop") int id,
    @Doc("its name") String initiator,
    @Doc("empty for a discovery session") String target,
    @Doc("ADDRESS:PORT of the initiator") String from,
    @Doc("ADDRESS:PORT of the server that it has connected to") String portal,
    @Doc("tag of the portal's group") int portalGroup,
    @Doc("whether PDU headers have a CRC32C") boolean headerDigest,
    @Doc("whether data has a CRC32C") boolean dataDigest,
    @Doc("commands that are not answered yet") int commandsInFlight,
    @Doc("commands answered so far") long commandsDone) {
  static SessionEntry of(SessionInfo info) {
    return new SessionEntry(
        info.tsih(),
        info.initiator(),
        info.target(),
        HostPort.text(info.from()),
        HostPort.text(info.portal()),
        info.portalGroupTag(),
        info.digests().coverHeaders(),
        info.digests().coverData(),
        info.commands(),
        info.commandsDone());
  }
}
