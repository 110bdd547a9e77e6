// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * Where metrics and the status page are served.
 *
 * @param address of this machine, or a wildcard
 * @param port 0 to 65535; 0: one that is free
 */
public record HttpConfig(InetAddress address, int port) {
  /** Whether only this machine can reach it. */
  public boolean isLoopback() {
    return address.isLoopbackAddress();
  }

  /** For binding. */
  public InetSocketAddress socketAddress() {
    return new InetSocketAddress(address, port);
  }

  /** Address and port. */
  @Override
  public String toString() {
    return new Portal(address, port).toString();
  }
}
