// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.TableException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Doc;
import org.jspecify.annotations.Nullable;

/**
 * The rows of tables and of statuses. Their arguments stay text in dmsetup's syntax: that is what
 * {@code dm table} and {@code dm status} are for.
 */
public final class DeviceRows {
  private DeviceRows() {}

  /** The result of {@code dm table} and {@code dm status}. */
  public record Result(@Doc("in the order asked for, or by name") List<Device> devices) {}

  /** A device's rows. */
  public record Device(@Doc("its name") String name, @Doc("by their start") List<Row> targets) {}

  /** A row of a table, or what its target reports. */
  public record Row(
      @Doc("sector of 512 bytes") long start,
      @Doc("sectors") long length,
      @Doc("such as linear") String type,
      @Doc("arguments, or what the target reports") String params) {}

  /** Prints a device's table or status, a line for each row. */
  interface Lines {
    String of(String device) throws TableException;
  }

  static Result each(
      String verb, DeviceMapper mapper, List<String> names, @Nullable String target, Lines lines)
      throws RefusedException {
    List<Device> devices = new ArrayList<>();
    for (String name : names.isEmpty() ? mapper.ls() : names) {
      try {
        List<Row> rows = of(lines.of(name), target);
        if (target == null || !rows.isEmpty()) {
          devices.add(new Device(name, rows));
        }
      } catch (TableException e) {
        throw DmVerbs.refusal(verb, name, e);
      }
    }
    return new Result(devices);
  }

  /**
   * The rows of a table.
   *
   * @param target only those of this type; null: all
   */
  static List<Row> of(String lines, @Nullable String target) {
    return lines
        .lines()
        .map(DeviceRows::row)
        .filter(row -> target == null || row.type.equals(target))
        .toList();
  }

  private static Row row(String line) {
    String[] words = line.split(" ", 4);
    return new Row(
        Long.parseLong(words[0]),
        Long.parseLong(words[1]),
        words[2],
        words.length == 4 ? words[3].strip() : "");
  }
}
