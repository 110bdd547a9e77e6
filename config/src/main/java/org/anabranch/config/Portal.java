// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import org.anabranch.naming.AddressRange;
import org.anabranch.naming.AdvertisedAddress;
import org.jspecify.annotations.Nullable;

/**
 * An address that the server listens on (RFC 7143 4.4.1).
 *
 * @param address of this machine, or a wildcard
 * @param port 0 to 65535; 0: one that is free
 * @param group tag of its portal group, 1 to 65535
 * @param advertised addresses that discovery reports in place of this one; empty: this one
 */
public record Portal(InetAddress address, int port, int group, List<AdvertisedAddress> advertised) {
  /** The portal group of a portal that names none. */
  public static final int DEFAULT_GROUP = 1;

  /** The port that IANA assigned to iSCSI. */
  public static final int DEFAULT_PORT = 3260;

  public Portal {
    advertised = List.copyOf(advertised);
  }

  /** A portal of the default group that advertises its own address. */
  public Portal(InetAddress address, int port) {
    this(address, port, DEFAULT_GROUP, List.of());
  }

  /**
   * Reads {@code 192.0.2.1:3260}, {@code [2001:db8::1]:3260}, or either without a port.
   *
   * @return null when the text is none of these
   */
  public static @Nullable Portal parse(String text) {
    String host = text;
    String port = Integer.toString(DEFAULT_PORT);
    if (text.startsWith("[")) {
      int end = text.indexOf(']');
      if (end < 0) {
        return null;
      }
      host = text.substring(1, end);
      String rest = text.substring(end + 1);
      if (host.indexOf(':') < 0 || !(rest.isEmpty() || rest.startsWith(":"))) {
        return null;
      }
      port = rest.isEmpty() ? port : rest.substring(1);
    } else {
      int colon = text.indexOf(':');
      if (colon >= 0) {
        host = text.substring(0, colon);
        port = text.substring(colon + 1);
      }
    }
    InetAddress address = AddressRange.literal(host);
    if (address == null || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65535) {
      return null;
    }
    return new Portal(address, Integer.parseInt(port));
  }

  /**
   * Whether only this machine can reach it. A loopback portal that advertises another address is
   * reached through something that forwards to it.
   */
  public boolean isLoopback() {
    return address.isLoopbackAddress() && advertised.isEmpty();
  }

  /** Whether both want the same address and port, so that only one of them can be bound. */
  public boolean clashesWith(Portal other) {
    return port != 0 && port == other.port && address.equals(other.address);
  }

  /** For binding. */
  public InetSocketAddress socketAddress() {
    return new InetSocketAddress(address, port);
  }

  /** Address and port, as {@link #parse} reads them. */
  @Override
  public String toString() {
    String host = address.getHostAddress();
    return (address instanceof Inet6Address ? "[" + host + "]" : host) + ":" + port;
  }
}
