// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.net.InetSocketAddress;
import java.util.List;

/**
 * A network portal (RFC 7143 4.4.1): an address that the server listens on, in a portal group.
 *
 * @param address what to bind; the wildcard address and port 0 are allowed
 * @param groupTag portal group tag, 1 to 65535
 * @param advertised what SendTargets answers in place of the address, {@code host:port} or {@code
 *     [v6]:port} each; empty for the address itself
 */
public record Portal(InetSocketAddress address, int groupTag, List<String> advertised) {
  public Portal {
    if (address.isUnresolved()) {
      throw new IllegalArgumentException("unknown host " + address.getHostString());
    }
    if (groupTag < 1 || groupTag > 65535) {
      throw new IllegalArgumentException(
          "portal group tag " + groupTag + ", allowed are 1 to 65535");
    }
    advertised = List.copyOf(advertised);
  }

  /** A portal that answers SendTargets with its own address. */
  public Portal(InetSocketAddress address, int groupTag) {
    this(address, groupTag, List.of());
  }
}
