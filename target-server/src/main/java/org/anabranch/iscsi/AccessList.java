// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.net.InetAddress;
import java.util.List;
import java.util.Locale;

/**
 * Which initiators may log in to a target: by name, and by the address they come from. Both must
 * agree; an empty list agrees with everybody.
 *
 * @param names iSCSI names; {@code *} stands for any run of characters, {@code ?} for one
 * @param networks addresses, or networks as {@code 192.0.2.0/24} and {@code 2001:db8::/32}
 */
public record AccessList(List<String> names, List<String> networks) {
  public static final AccessList EVERYBODY = new AccessList(List.of(), List.of());

  /** Checks that the networks are addresses; no name is ever looked up. */
  public AccessList {
    names = names.stream().map(name -> name.toLowerCase(Locale.ROOT)).toList();
    networks = List.copyOf(networks);
    networks.forEach(AccessList::prefix);
  }

  /** Whether the initiator of this name (normalised) may log in from this address. */
  public boolean admits(String initiatorName, InetAddress from) {
    return (names.isEmpty() || names.stream().anyMatch(name -> matches(name, initiatorName)))
        && (networks.isEmpty() || networks.stream().anyMatch(network -> contains(network, from)));
  }

  /** Takes time of the lengths' product at most: the pattern is ours, the name is anybody's. */
  private static boolean matches(String pattern, String name) {
    int p = 0;
    int star = -1;
    int resume = 0;
    for (int n = 0; n < name.length(); ) {
      char wanted = p < pattern.length() ? pattern.charAt(p) : 0;
      if (wanted == '*') {
        star = p++;
        resume = n;
      } else if (wanted != 0 && (wanted == '?' || wanted == name.charAt(n))) {
        p++;
        n++;
      } else if (star >= 0) {
        p = star + 1;
        n = ++resume;
      } else {
        return false;
      }
    }
    return pattern.substring(p).chars().allMatch(c -> c == '*');
  }

  private static boolean contains(String network, InetAddress address) {
    byte[] wanted = literal(network.replaceFirst("/.*", "")).getAddress();
    byte[] actual = address.getAddress();
    if (wanted.length != actual.length) {
      return false;
    }
    int bits = prefix(network);
    for (int i = 0; i < wanted.length && bits > 0; i++, bits -= 8) {
      int mask = bits >= 8 ? 0xff : 0xff00 >> bits;
      if (((wanted[i] ^ actual[i]) & mask & 0xff) != 0) {
        return false;
      }
    }
    return true;
  }

  private static int prefix(String network) {
    int slash = network.indexOf('/');
    int most = literal(slash < 0 ? network : network.substring(0, slash)).getAddress().length * 8;
    if (slash < 0) {
      return most;
    }
    try {
      int bits = Integer.parseInt(network.substring(slash + 1));
      if (bits >= 0 && bits <= most) {
        return bits;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(
        "network " + network + ": the prefix length is not 0 to " + most);
  }

  private static InetAddress literal(String address) {
    try {
      return InetAddress.ofLiteral(address);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("not an IP address: " + address, e);
    }
  }
}
