// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An iSCSI target node.
 *
 * @param name iSCSI name, normalised
 * @param luns by number; at least one
 * @param initiators who may log in, by name; empty: anybody
 * @param addresses from where one may log in; empty: anywhere
 * @param chap what one must prove to log in; null: nothing
 * @param openToAnyone the administrator knows that nothing protects it
 */
public record TargetConfig(
    String name,
    SortedMap<Integer, LunConfig> luns,
    List<InitiatorPattern> initiators,
    List<AddressRange> addresses,
    @Nullable ChapConfig chap,
    boolean openToAnyone) {
  public TargetConfig {
    luns = Collections.unmodifiableSortedMap(new TreeMap<>(luns));
    initiators = List.copyOf(initiators);
    addresses = List.copyOf(addresses);
  }
}
