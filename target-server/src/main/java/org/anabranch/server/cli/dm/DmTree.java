// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli.dm;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.anabranch.server.control.verbs.dm.DmDepsVerb;

/** Devices and what they stand on, as {@code dmsetup ls --tree} draws them. */
public final class DmTree {
  private final Map<String, DmDepsVerb.Device> devices = new TreeMap<>();
  private final StringBuilder text = new StringBuilder();

  private DmTree(DmDepsVerb.Result result) {
    result.devices().forEach(device -> devices.put(device.name(), device));
  }

  /** The lines; a device that stands on nothing of another device's is a root. */
  public static String of(DmDepsVerb.Result result) {
    if (result.devices().isEmpty()) {
      return "No devices found\n";
    }
    DmTree tree = new DmTree(result);
    Set<String> below = new HashSet<>();
    result
        .devices()
        .forEach(device ->
            device
                .dependencies()
                .forEach(each -> {
                  if (each.major() != null) {
                    below.add(each.name());
                  }
                }));
    for (DmDepsVerb.Device device : result.devices()) {
      if (!below.contains(device.name())) {
        tree.add(device, "");
      }
    }
    return tree.text.toString();
  }

  private void add(DmDepsVerb.Device device, String indent) {
    text.append(device.name()).append(" (" + device.major() + ":" + device.minor() + ")\n");
    List<DmDepsVerb.Dependency> all = device.dependencies();
    for (int i = 0; i < all.size(); i++) {
      boolean last = i == all.size() - 1;
      text.append(indent).append(last ? " \u2514\u2500" : " \u251c\u2500");
      DmDepsVerb.Device below = all.get(i).major() == null ? null : devices.get(all.get(i).name());
      if (below == null) {
        text.append(" (" + all.get(i).name() + ")\n");
      } else {
        add(below, indent + (last ? "   " : " \u2502 "));
      }
    }
  }
}
