// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * Where the server listens.
 *
 * @param address of this machine, or a wildcard
 * @param port 0 to 65535; 0: one that is free
 */
public record Portal(InetAddress address, int port) {
  /** The port that IANA assigned to iSCSI. */
  public static final int DEFAULT_PORT = 3260;

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

  /** Whether only this machine can reach it. */
  public boolean isLoopback() {
    return address.isLoopbackAddress();
  }

  /** For binding. */
  public InetSocketAddress socketAddress() {
    return new InetSocketAddress(address, port);
  }

  /** As {@link #parse} reads it. */
  @Override
  public String toString() {
    String host = address.getHostAddress();
    return (address instanceof Inet6Address ? "[" + host + "]" : host) + ":" + port;
  }
}
