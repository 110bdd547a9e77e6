// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import java.net.SocketAddress;

/**
 * Where an NBD server is, and which of its exports is meant.
 *
 * @param server a {@link java.net.UnixDomainSocketAddress}, or an {@link
 *     java.net.InetSocketAddress}; an unresolved one is resolved at each attempt to connect
 * @param name the export's name, at most 4096 bytes in UTF-8; empty for the server's default
 */
public record NbdExport(SocketAddress server, String name) {
  /** The longest name that the protocol has, bytes of UTF-8. */
  public static final int MAX_NAME = 4096;
}
