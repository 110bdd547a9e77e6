// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The addresses that count as one peer: an IPv4 address, or the first 64 bits of an IPv6 address,
 * which one host may have all to itself.
 */
public final class AddressBlock {
  private static final int IPV6_BYTES = 16;
  private static final int PREFIX_BYTES = 8;

  private final ByteBuffer prefix;

  private AddressBlock(byte[] prefix) {
    this.prefix = ByteBuffer.wrap(prefix);
  }

  /** The block of an address. */
  public static AddressBlock of(InetAddress address) {
    byte[] bytes = address.getAddress();
    return new AddressBlock(
        bytes.length == IPV6_BYTES ? Arrays.copyOf(bytes, PREFIX_BYTES) : bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AddressBlock block && block.prefix.equals(prefix);
  }

  @Override
  public int hashCode() {
    return prefix.hashCode();
  }
}
