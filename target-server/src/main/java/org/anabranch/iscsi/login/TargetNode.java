// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.anabranch.naming.AccessList;
import org.anabranch.naming.IscsiName;
import org.anabranch.scsi.api.TaskRouter;
import org.jspecify.annotations.Nullable;

/**
 * An iSCSI target node, to which initiators log in.
 *
 * @param name iSCSI name, normalised (RFC 7143 4.2.7)
 * @param alias a description that initiators show to users, or null
 * @param router the SCSI target device behind it
 * @param access who may log in
 * @param chap the CHAP users that may log in; empty if no authentication is needed
 * @param portalGroups tags of the portal groups it is reachable through; empty for all
 */
public record TargetNode(
    String name,
    @Nullable String alias,
    TaskRouter router,
    AccessList access,
    List<ChapCredentials> chap,
    Set<Integer> portalGroups) {
  public TargetNode {
    name = new IscsiName(name).text();
    chap = List.copyOf(chap);
    portalGroups = Set.copyOf(portalGroups);
  }

  /** Whether an initiator can log in if it has the right CHAP secret. */
  public boolean isFor(IscsiName initiator, InetAddress from) {
    return access.admits(initiator, from)
        && (chap.isEmpty() || chap.stream().anyMatch(user -> user.isFor(initiator)));
  }

  public boolean isReachableThrough(int portalGroupTag) {
    return portalGroups.isEmpty() || portalGroups.contains(portalGroupTag);
  }
}
