// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

import org.jspecify.annotations.Nullable;

/**
 * An address that discovery reports for a portal, for initiators that reach it through a
 * container's published port or NAT. The server never looks a name up (RFC 7143 13.8).
 *
 * @param host an IPv4 address, an IPv6 address in brackets, or a host name
 * @param port 0: the one that the portal listens on
 */
public record AdvertisedAddress(String host, int port) {
  private static final int MAX_HOST = 253;

  /**
   * Reads {@code HOST:PORT} or {@code HOST}.
   *
   * @return null when the text is neither
   */
  public static @Nullable AdvertisedAddress parse(String text) {
    int end = text.startsWith("[") ? text.indexOf(']') + 1 : text.indexOf(':');
    String host = end <= 0 ? text : text.substring(0, end);
    String rest = text.substring(host.length());
    boolean goodPort = rest.isEmpty() || rest.matches(":[0-9]{1,5}");
    int port = goodPort && !rest.isEmpty() ? Integer.parseInt(rest.substring(1)) : 0;
    boolean good = goodPort && port <= 65535 && (rest.isEmpty() || port > 0) && isHost(host);
    return good ? new AdvertisedAddress(host, port) : null;
  }

  private static boolean isHost(String host) {
    if (host.startsWith("[")) {
      String inner = host.substring(1, host.length() - 1);
      return host.endsWith("]") && inner.indexOf(':') >= 0 && AddressRange.literal(inner) != null;
    }
    if (host.matches("[0-9.]*")) {
      return AddressRange.literal(host) != null;
    }
    return host.length() <= MAX_HOST
        && host.matches(
            "[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*+\\.?");
  }

  /** As discovery reports it. */
  public String withPort(int portalsPort) {
    return host + ":" + (port == 0 ? portalsPort : port);
  }

  @Override
  public String toString() {
    return port == 0 ? host : host + ":" + port;
  }
}
