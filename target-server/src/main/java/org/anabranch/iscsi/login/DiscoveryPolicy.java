// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.time.Duration;
import java.util.List;

/**
 * Terms of discovery sessions (RFC 7143 4.3).
 *
 * @param chap the CHAP users that may log in for discovery; empty if no authentication is needed
 * @param idleTimeout a discovery session that sends nothing for this long is closed. It is not sent
 *     NOP-Ins, since RFC 7143 4.3 allows only text and logout requests there, and many initiators
 *     would not answer.
 */
public record DiscoveryPolicy(List<ChapCredentials> chap, Duration idleTimeout) {
  /** No authentication; a session ends after half a minute of silence. */
  public static final DiscoveryPolicy DEFAULT =
      new DiscoveryPolicy(List.of(), Duration.ofSeconds(30));

  public DiscoveryPolicy {
    chap = List.copyOf(chap);
  }
}
