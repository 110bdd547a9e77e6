// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.anabranch.block.dm.DeviceRef;

/**
 * An order in which devices can be made.
 *
 * @param devices each behind those that it stands on
 * @param circular those that stand on each other in a circle, and those that stand on one of them
 */
public record TableOrder(List<String> devices, Set<String> circular) {
  /** Orders devices by what the table of each refers to. */
  public static TableOrder of(Map<String, List<DeviceRef>> tables) {
    Map<String, Set<String>> below = new LinkedHashMap<>();
    tables.forEach((name, references) ->
        below.put(
            name,
            references.stream()
                .filter(DeviceRef.Named.class::isInstance)
                .map(DeviceRef::word)
                .filter(tables::containsKey)
                .collect(Collectors.toSet())));
    List<String> ordered = new ArrayList<>();
    while (true) {
      List<String> next =
          below.entrySet().stream()
              .filter(device -> device.getValue().isEmpty())
              .map(Map.Entry::getKey)
              .toList();
      if (next.isEmpty()) {
        return new TableOrder(ordered, Set.copyOf(below.keySet()));
      }
      ordered.addAll(next);
      below.keySet().removeAll(next);
      below.values().forEach(left -> left.removeAll(next));
    }
  }
}
