// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.naming.IscsiName;

/**
 * Identifies the nexus of a session (RFC 7143 6.3.5). A login with the key of an existing session
 * reinstates that session.
 *
 * @param target empty for a discovery session
 */
public record SessionKey(IscsiName initiator, long isid, String target, int portalGroupTag) {
  public boolean isDiscovery() {
    return target.isEmpty();
  }
}
