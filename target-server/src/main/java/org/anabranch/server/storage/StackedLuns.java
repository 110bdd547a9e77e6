// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.config.Configuration;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.Warning;

/**
 * LUNs whose devices share blocks: a device and one that it is made of are two logical units, and
 * what holds for one unit does not for the other. A configuration may mean it (a part of a disk,
 * say, that another host uses), so it is reported, not refused. Snapshots are not meant: they share
 * blocks with their volume and are kept apart from it.
 */
public final class StackedLuns {
  private StackedLuns() {}

  /** A warning for each LUN's device that is made of another LUN's device, directly or not. */
  public static List<Warning> of(Configuration configuration) {
    Map<String, List<DeviceRef>> below = TableText.below(configuration);
    Set<String> shown = new TreeSet<>();
    for (TargetConfig target : configuration.targets().values()) {
      target.luns().values().stream().map(LunConfig::device).forEach(shown::add);
    }
    Map<String, String> images = new TreeMap<>();
    for (VolumeConfig volume : configuration.volumes().values()) {
      images.put(volume.source().address(), volume.name());
    }
    List<Warning> warnings = new ArrayList<>();
    for (String device : below.keySet()) {
      if (shown.contains(device)) {
        Set<String> shared = allBelow(device, below, images);
        shared.retainAll(shown);
        shared.remove(device);
        if (!shared.isEmpty()) {
          warnings.add(
              new Warning(
                  "device " + device,
                  "it is made of "
                      + String.join(", ", shared)
                      + ", and both are LUNs: two logical units share blocks, and neither"
                      + " reservations nor COMPARE AND WRITE of one hold on the other",
                  "let hosts use one of them, or take one out of the targets"));
        }
      }
    }
    return warnings;
  }

  private static Set<String> allBelow(
      String device, Map<String, List<DeviceRef>> below, Map<String, String> images) {
    Set<String> found = new TreeSet<>();
    Deque<String> next = new ArrayDeque<>(List.of(device));
    while (!next.isEmpty()) {
      for (DeviceRef each : below.getOrDefault(next.remove(), List.of())) {
        String name =
            switch (each) {
              case DeviceRef.Named named -> named.name();
              case DeviceRef.AtPath file -> images.get(file.path());
            };
        if (name != null && found.add(name)) {
          next.add(name);
        }
      }
    }
    return found;
  }
}
