// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import java.time.Instant;
import java.util.Collections;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What {@link UseFile} keeps. Immutable.
 *
 * @param uses by nexus
 * @param unknown devices that somebody may use who is not recorded
 * @param onNextLogin snapshots whose merge was to begin at the next login of an initiator
 */
record RecordedUses(
    SortedMap<ItNexus, Recorded> uses, Set<String> unknown, Set<String> onNextLogin) {
  static final RecordedUses NONE = new RecordedUses(new TreeMap<>(), Set.of(), Set.of());

  RecordedUses {
    uses = Collections.unmodifiableSortedMap(new TreeMap<>(uses));
    unknown = Collections.unmodifiableSet(new TreeSet<>(unknown));
    onNextLogin = Collections.unmodifiableSet(new TreeSet<>(onNextLogin));
  }

  /**
   * The use of one nexus.
   *
   * @param devices what it can reach
   * @param cutOff since when it was not connected; null: it was connected when this was written
   */
  record Recorded(Set<String> devices, @Nullable Instant cutOff) {
    Recorded {
      devices = Collections.unmodifiableSet(new TreeSet<>(devices));
    }
  }
}
