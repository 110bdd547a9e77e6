// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.time.Duration;
import java.util.List;

/**
 * Discovery sessions (RFC 7143 4.3).
 *
 * @param chap what an initiator must prove before it is told of any target; empty: nothing
 * @param idleTimeout a discovery session that has sent nothing for so long is closed; such a
 *     session is never sent a NOP-In, which many initiators do not answer in it
 */
public record DiscoveryConfig(List<ChapConfig> chap, Duration idleTimeout) {
  public DiscoveryConfig {
    chap = List.copyOf(chap);
  }
}
