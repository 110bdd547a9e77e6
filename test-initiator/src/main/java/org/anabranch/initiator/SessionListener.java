// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What a target says that is no answer to one command. Called on the session's event loop: must not
 * block.
 */
public interface SessionListener {
  /** For those who don't listen. */
  SessionListener NONE = new SessionListener() {};

  /** A command ended with a unit attention. (It is in the command's response as well.) */
  default void unitAttention(Session session, long lun, Sense sense) {}

  /**
   * Asynchronous message (RFC 7143 11.9). When the target asks for a logout (event 1) this default
   * does what it asks.
   *
   * @param event AsyncEvent: 0 SCSI, 1 logout wanted, 2 connection dropped, 3 all connections
   *     dropped, 4 negotiation wanted
   * @param sense of a SCSI event
   */
  default void asyncMessage(Session session, int event, Pdu message, @Nullable Sense sense) {
    if (event == 1) {
      CompletableFuture<Integer> _ = session.logout();
    }
  }

  /** The target rejected a PDU; its header is the message's data. */
  default void rejected(Session session, int reason, Pdu reject) {}

  /** The connection has ended, in order or not. */
  default void closed(Session session, IscsiException cause) {}
}
