// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.time.Duration;
import java.util.List;

/**
 * Terms of discovery sessions (RFC 7143 4.3).
 *
 * @param chap the CHAP users, of whom an initiator must be one before it may ask; empty: it need
 *     not prove anything
 * @param idleTimeout a discovery session that sends nothing for so long is closed. It is sent no
 *     NOP-In: RFC 7143 4.3 lets an initiator send text and logout there and nothing else, and many
 *     answer no ping.
 */
public record DiscoveryPolicy(List<ChapCredentials> chap, Duration idleTimeout) {
  /** Anybody may ask; an hour of silence ends the session. */
  public static final DiscoveryPolicy DEFAULT = new DiscoveryPolicy(List.of(), Duration.ofHours(1));

  public DiscoveryPolicy {
    chap = List.copyOf(chap);
  }
}
