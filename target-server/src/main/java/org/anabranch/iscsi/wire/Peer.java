// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * The other end of a connection, for the log.
 *
 * @param host its address without a port, such as {@code 192.0.2.1} or {@code 2001:db8::1}
 * @param text the address with its port, such as {@code 192.0.2.1:4000} or {@code
 *     [2001:db8::1]:4000}
 */
public record Peer(String host, String text) {
  /** The peer at an address. */
  public static Peer of(SocketAddress address) {
    if (address instanceof InetSocketAddress inet && inet.getAddress() != null) {
      String host = inet.getAddress().getHostAddress();
      String shown = host.indexOf(':') < 0 ? host : "[" + host + "]";
      return new Peer(host, shown + ":" + inet.getPort());
    }
    String text = String.valueOf(address);
    return new Peer(text, text);
  }

  /** Names the peer's address in a line of the log, by which lines that repeat are summed up. */
  public LoggingEventBuilder in(LoggingEventBuilder line) {
    return line.addKeyValue("from", host);
  }

  @Override
  public String toString() {
    return text;
  }
}
