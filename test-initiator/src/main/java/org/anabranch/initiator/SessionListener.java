// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Receives what a target sends without being asked. Called on the session's event loop; must not
 * block.
 */
public interface SessionListener {
  /** Ignores everything, except that it logs out when the target requests it. */
  SessionListener NONE = new SessionListener() {};

  /** A command reported a unit attention, which its response contains as well. */
  default void unitAttention(Session session, long lun, Sense sense) {}

  /**
   * An asynchronous message (RFC 7143 11.9). This default logs out when the target requests it
   * (event 1).
   *
   * @param event AsyncEvent: 0 SCSI, 1 logout requested, 2 connection dropped, 3 all connections
   *     dropped, 4 negotiation requested
   * @param sense the sense data of a SCSI event
   */
  default void asyncMessage(Session session, int event, Pdu message, @Nullable Sense sense) {
    if (event == 1) {
      CompletableFuture<Integer> _ = session.logout();
    }
  }

  /** The target rejected a PDU; its header is the message's data. */
  default void rejected(Session session, int reason, Pdu reject) {}

  /** The connection was closed, normally or not. */
  default void closed(Session session, IscsiException cause) {}
}
