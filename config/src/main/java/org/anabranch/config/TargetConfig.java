// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.anabranch.naming.AccessList;
import org.jspecify.annotations.Nullable;

/**
 * An iSCSI target node.
 *
 * @param name iSCSI name, normalised
 * @param alias what initiators show to people beside the name (RFC 7143 13.6), or null
 * @param luns by number; empty: initiators find no disk until one is added at run time
 * @param access who may log in
 * @param chap what an initiator must prove to log in, one entry for each CHAP user; empty: nothing
 * @param portalGroups tags of the portal groups that it is reached through; empty: all
 * @param openToAnyone the administrator knows that nothing protects it
 */
public record TargetConfig(
    String name,
    @Nullable String alias,
    SortedMap<Integer, LunConfig> luns,
    AccessList access,
    List<ChapConfig> chap,
    Set<Integer> portalGroups,
    boolean openToAnyone) {
  public TargetConfig {
    luns = Collections.unmodifiableSortedMap(new TreeMap<>(luns));
    chap = List.copyOf(chap);
    portalGroups = Collections.unmodifiableSet(new TreeSet<>(portalGroups));
  }

  /** The same with other LUNs. */
  public TargetConfig withLuns(SortedMap<Integer, LunConfig> other) {
    return new TargetConfig(name, alias, other, access, chap, portalGroups, openToAnyone);
  }

  /** Whether it is reached through a portal group. */
  public boolean isReachedThrough(int portalGroup) {
    return portalGroups.isEmpty() || portalGroups.contains(portalGroup);
  }
}
