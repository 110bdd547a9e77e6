// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.jspecify.annotations.Nullable;

/**
 * What an initiator and the target agreed on in a login (RFC 7143 6.3, 11.12).
 *
 * @param connectionId the CID that the initiator gave its connection
 * @param firstCmdSn the CmdSN of the first command
 * @param node the target node; null for a discovery session
 * @param portal the portal that the initiator connected to
 */
public record AgreedLogin(
    SessionKey key,
    int connectionId,
    int firstCmdSn,
    @Nullable TargetNode node,
    Portal portal,
    Parameters parameters) {
  public SessionType type() {
    return node == null ? SessionType.DISCOVERY : SessionType.NORMAL;
  }
}
