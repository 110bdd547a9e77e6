// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.util.Set;
import org.anabranch.scsi.TaskRouter;
import org.jspecify.annotations.Nullable;

/**
 * An iSCSI target node: what an initiator logs in to.
 *
 * @param name iSCSI name, lower case (RFC 7143 4.2.7)
 * @param alias shown to people by initiators, or null
 * @param router the SCSI target device behind it
 * @param access who may log in
 * @param chap what an initiator must prove, or null if nothing
 * @param portalGroups tags of the portal groups it is reachable through; empty for all
 */
public record TargetNode(
    String name,
    @Nullable String alias,
    TaskRouter router,
    AccessList access,
    @Nullable ChapCredentials chap,
    Set<Integer> portalGroups) {
  public TargetNode {
    portalGroups = Set.copyOf(portalGroups);
  }

  boolean isReachableThrough(int portalGroupTag) {
    return portalGroups.isEmpty() || portalGroups.contains(portalGroupTag);
  }
}
