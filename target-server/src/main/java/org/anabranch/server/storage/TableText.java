// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TableLine;
import org.anabranch.block.targets.TargetTypes;
import org.anabranch.config.Configuration;
import org.anabranch.config.DeviceConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;

/** The tables that a configuration means, as texts. */
public final class TableText {
  private TableText() {}

  /** A volume's: its whole image, in the role of an origin, so that snapshots can be taken. */
  static String volume(VolumeConfig volume, long sectors, Set<String> types) {
    String path = TableLine.quote(volume.source().address());
    return types.contains("snapshot-origin")
        ? "0 " + sectors + " snapshot-origin " + path
        : "0 " + sectors + " linear " + path + " 0";
  }

  /** A device's, its relative paths made absolute. An argument with a slash in it is a path. */
  public static String device(DeviceConfig device, Path baseDir) {
    return lines(device, baseDir).stream()
        .map(TableLine::toString)
        .collect(Collectors.joining("\n"));
  }

  private static List<TableLine> lines(DeviceConfig device, Path baseDir) {
    List<TableLine> lines = new ArrayList<>();
    for (var row : device.table()) {
      List<String> arguments =
          row.arguments().stream()
              .map(word ->
                  word.indexOf('/') < 0 ? word : baseDir.resolve(word).normalize().toString())
              .toList();
      lines.add(new TableLine(lines.size() + 1, row.start(), row.length(), row.type(), arguments));
    }
    return lines;
  }

  /**
   * The devices of a configuration in an order in which each comes after those it stands on.
   *
   * @throws RefusedException when there is a circle
   */
  public static List<DeviceConfig> inOrder(Configuration configuration) throws RefusedException {
    TableOrder order = TableOrder.of(below(configuration));
    if (!order.circular().isEmpty()) {
      throw new RefusedException(
          "devices stand on each other in a circle: "
              + String.join(", ", new TreeSet<>(order.circular())));
    }
    List<DeviceConfig> ordered = new ArrayList<>();
    for (String name : order.devices()) {
      ordered.add(Objects.requireNonNull(configuration.devices().get(name)));
    }
    return ordered;
  }

  /** What each of the devices of a configuration stands on, by name. */
  static Map<String, List<DeviceRef>> below(Configuration configuration) {
    Set<String> names = new HashSet<>(configuration.volumes().keySet());
    names.addAll(configuration.devices().keySet());
    Map<String, List<DeviceRef>> tables = new LinkedHashMap<>();
    for (DeviceConfig device : configuration.devices().values()) {
      tables.put(device.name(), references(lines(device, configuration.baseDir()), names));
    }
    return tables;
  }

  /** What a table stands on; nothing when it cannot be read, which is refused when it is loaded. */
  private static List<DeviceRef> references(List<TableLine> lines, Set<String> names) {
    try {
      return TargetTypes.read(lines, names).devices();
    } catch (TableException e) {
      return List.of();
    }
  }
}
