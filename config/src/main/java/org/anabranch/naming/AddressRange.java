// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * An address, or a range of them in CIDR notation.
 *
 * @param address the range's first address
 * @param prefix how many leading bits count
 */
public record AddressRange(InetAddress address, int prefix) {
  /**
   * Reads {@code 192.0.2.0/24}, {@code 2001:db8::/32} or one address.
   *
   * @return null when the text is none of these
   */
  public static @Nullable AddressRange parse(String text) {
    int slash = text.indexOf('/');
    InetAddress address = literal(slash < 0 ? text : text.substring(0, slash));
    if (address == null) {
      return null;
    }
    int bits = 8 * address.getAddress().length;
    String prefix = slash < 0 ? Integer.toString(bits) : text.substring(slash + 1);
    if (!prefix.matches("[0-9]{1,3}") || Integer.parseInt(prefix) > bits) {
      return null;
    }
    return new AddressRange(address, Integer.parseInt(prefix));
  }

  /** The address that a text spells out, without asking any name service; null if it is none. */
  public static @Nullable InetAddress literal(String text) {
    boolean v6 = text.indexOf(':') >= 0;
    if (!v6 && !text.matches("(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]{0,2})){3}")) {
      return null; // the JDK would read "10.1" as 10.0.0.1
    }
    try {
      return text.startsWith("[") ? null : InetAddress.ofLiteral(text);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** Whether {@code other} lies inside. An IPv4 address never lies in an IPv6 range. */
  public boolean contains(InetAddress other) {
    byte[] ours = address.getAddress();
    byte[] theirs = other.getAddress();
    if (ours.length != theirs.length) {
      return false;
    }
    for (int bit = 0; bit < prefix; bit++) {
      int mask = 0x80 >> (bit & 7);
      if ((ours[bit >> 3] & mask) != (theirs[bit >> 3] & mask)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public String toString() {
    return address.getHostAddress() + "/" + prefix;
  }
}
