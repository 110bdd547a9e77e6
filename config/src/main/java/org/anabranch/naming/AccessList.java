// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

import java.net.InetAddress;
import java.util.List;

/**
 * Which initiators are admitted: by name, and by the address they come from. Both must agree; an
 * empty list agrees with every initiator.
 *
 * @param initiators names, or patterns of names
 * @param addresses addresses, or ranges of them
 */
public record AccessList(List<InitiatorPattern> initiators, List<AddressRange> addresses) {
  /** Admits every initiator from everywhere. */
  public static final AccessList EVERYBODY = new AccessList(List.of(), List.of());

  public AccessList {
    initiators = List.copyOf(initiators);
    addresses = List.copyOf(addresses);
  }

  /** By name only, in the configuration's spelling. */
  public static AccessList named(String... patterns) {
    return new AccessList(
        List.of(patterns).stream().map(InitiatorPattern::new).toList(), List.of());
  }

  /** Whether the initiator of this name is admitted from this address. */
  public boolean admits(IscsiName initiator, InetAddress from) {
    return matches(initiators, initiator)
        && (addresses.isEmpty() || addresses.stream().anyMatch(range -> range.contains(from)));
  }

  /** Whether one of the patterns names an initiator; no patterns name every initiator. */
  public static boolean matches(List<InitiatorPattern> patterns, IscsiName initiator) {
    return patterns.isEmpty() || patterns.stream().anyMatch(pattern -> pattern.matches(initiator));
  }

  /** Whether the names keep anybody out. */
  public boolean namesAnybody() {
    return initiators.isEmpty() || initiators.stream().anyMatch(InitiatorPattern::matchesAnybody);
  }
}
