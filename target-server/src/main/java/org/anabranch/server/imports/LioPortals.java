// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.anabranch.config.Portal;
import org.anabranch.server.imports.ImportedConfiguration.ImportedPortal;

/**
 * The portals of LIO's targets, which belong to their portal groups there. Here they belong to the
 * server, and a target names its groups: portals that the same targets have make one group.
 */
final class LioPortals {
  private final Losses losses;

  /** The targets of each portal, in the order in which portals were found. */
  private final Map<String, SortedSet<String>> targets = new LinkedHashMap<>();

  LioPortals(Losses losses) {
    this.losses = losses;
  }

  /** Reads the portals of a portal group of a target. */
  void read(LioObject group, String target) {
    for (LioObject portal : group.objects("portals")) {
      String address = portal.text("ip_address", "0.0.0.0").replaceAll("[\\[\\]]", "");
      address = address.equals("::0") ? "::" : address;
      String text =
          (address.indexOf(':') < 0 ? address : "[" + address + "]")
              + ":"
              + portal.number("port", 3260);
      if (Portal.parse(text) == null) {
        losses.add(group.where(), "portal " + text + " is left out: it is no address and port");
        continue;
      }
      if (portal.isTrue("iser", false) || portal.isTrue("offload", false)) {
        losses.add(group.where(), "portal " + text + ": iSER and offload have no counterpart: TCP");
      }
      targets.computeIfAbsent(text, each -> new TreeSet<>()).add(target);
    }
  }

  /** All portals with their groups; LIO's standard one where there is none. */
  List<ImportedPortal> portals() {
    Map<SortedSet<String>, Integer> groups = groups();
    List<ImportedPortal> portals = new ArrayList<>();
    targets.forEach(
        (address, of) -> portals.add(new ImportedPortal(address, groups.getOrDefault(of, 1))));
    return portals.isEmpty() ? List.of(new ImportedPortal("0.0.0.0:3260", 1)) : portals;
  }

  /** The groups that a target is reached through; empty: all that there are. */
  Set<Integer> groupsOf(String target) {
    Map<SortedSet<String>, Integer> groups = groups();
    SortedMap<Integer, String> own = new TreeMap<>();
    groups.forEach((of, tag) -> {
      if (of.contains(target)) {
        own.put(tag, target);
      }
    });
    return own.size() == groups.size() ? Set.of() : Collections.unmodifiableSet(own.keySet());
  }

  private Map<SortedSet<String>, Integer> groups() {
    Map<SortedSet<String>, Integer> groups = new LinkedHashMap<>();
    targets.values().forEach(of -> groups.putIfAbsent(of, groups.size() + 1));
    return groups;
  }
}
