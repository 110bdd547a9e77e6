// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.naming.IscsiName;

/**
 * What makes two sessions the same nexus (RFC 7143 6.3.5): a login with the key of a session that
 * exists takes its place.
 *
 * @param target empty for a discovery session
 */
public record SessionKey(IscsiName initiator, long isid, String target, int portalGroupTag) {}
