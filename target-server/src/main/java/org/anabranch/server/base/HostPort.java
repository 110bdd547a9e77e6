// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.net.Inet6Address;
import java.net.InetSocketAddress;

/** A socket's address as people write it. */
public final class HostPort {
  private HostPort() {}

  /** {@code ADDRESS:PORT}, an IPv6 address in brackets. */
  public static String text(InetSocketAddress address) {
    String host = address.getAddress().getHostAddress();
    return (address.getAddress() instanceof Inet6Address ? "[" + host + "]" : host)
        + ":"
        + address.getPort();
  }
}
