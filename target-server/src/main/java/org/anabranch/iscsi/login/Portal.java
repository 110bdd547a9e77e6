// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.net.InetSocketAddress;
import java.util.List;
import org.anabranch.naming.AdvertisedAddress;

/**
 * A network portal (RFC 7143 4.4.1): an address that the server listens on, in a portal group.
 *
 * @param address the address to bind; the wildcard address and port 0 are allowed
 * @param groupTag portal group tag, 1 to 65535
 * @param advertised addresses that SendTargets reports in place of this one, for initiators behind
 *     NAT; empty for the address itself
 */
public record Portal(InetSocketAddress address, int groupTag, List<AdvertisedAddress> advertised) {
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

  /** A portal that SendTargets reports by its own address. */
  public Portal(InetSocketAddress address, int groupTag) {
    this(address, groupTag, List.of());
  }
}
