// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.anabranch.block.dm.TableLine;
import org.anabranch.config.Configuration;
import org.anabranch.config.DeviceConfig;
import org.anabranch.server.base.RefusedException;

/** The tables that a configuration means, as texts. */
public final class TableText {
  private TableText() {}

  /** A volume's: its whole file, in the role of an origin, so that snapshots can be taken. */
  static String volume(Path file, long sectors, Set<String> types) {
    String path = TableLine.quote(file.toString());
    return types.contains("snapshot-origin")
        ? "0 " + sectors + " snapshot-origin " + path
        : "0 " + sectors + " linear " + path + " 0";
  }

  /** A device's, its relative paths made absolute. An argument with a slash in it is a path. */
  public static String device(DeviceConfig device, Path baseDir) {
    return device.table().stream()
        .map(row -> {
          List<String> words = new ArrayList<>();
          words.add(row.start() + " " + row.length() + " " + row.type());
          for (String word : row.arguments()) {
            words.add(word.indexOf('/') < 0 ? word : baseDir.resolve(word).normalize().toString());
          }
          return String.join(" ", words);
        })
        .collect(Collectors.joining("\n"));
  }

  /**
   * The devices of a configuration in an order in which each comes after those it stands on.
   *
   * @throws RefusedException when there is a circle
   */
  public static List<DeviceConfig> inOrder(Configuration configuration) throws RefusedException {
    Map<String, DeviceConfig> left = new LinkedHashMap<>(configuration.devices());
    List<DeviceConfig> ordered = new ArrayList<>();
    while (!left.isEmpty()) {
      List<DeviceConfig> free =
          left.values().stream().filter(device -> !standsOnAny(device, left.keySet())).toList();
      if (free.isEmpty()) {
        throw new RefusedException(
            "devices stand on each other in a circle: " + String.join(", ", left.keySet()));
      }
      ordered.addAll(free);
      free.forEach(device -> left.remove(device.name()));
    }
    return ordered;
  }

  private static boolean standsOnAny(DeviceConfig device, Set<String> names) {
    return device.table().stream()
        .flatMap(row -> row.arguments().stream())
        .anyMatch(names::contains);
  }
}
