// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The edge between tables as values and {@code dmsetup}'s text. {@link TableLine} takes a text
 * apart into words; the type of each row then reads the words behind it, so a word is a device only
 * where the type takes one.
 */
public final class TableText {
  private TableText() {}

  /**
   * Reads a table.
   *
   * @param types the types that rows may have
   * @param devices what a word means where a device is wanted: {@link #reference}
   * @throws TableException names the line and the reason of the first thing wrong
   */
  public static TableSpec read(
      List<TableLine> lines, Collection<TargetType> types, Function<String, DeviceRef> devices)
      throws TableException {
    List<TableSpec.Row> rows = new ArrayList<>(lines.size());
    for (TableLine line : lines) {
      try {
        TargetSpec target = type(types, line.type()).read(line.arguments(), devices);
        rows.add(new TableSpec.Row(line.start(), line.length(), target));
      } catch (TableException e) {
        throw new TableException(line.message(String.valueOf(e.getMessage())), e);
      }
    }
    return new TableSpec(rows);
  }

  /** The type of that name. */
  static TargetType type(Collection<TargetType> types, String name) throws TableException {
    for (TargetType type : types) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    throw new TableException(
        "unknown target type; there are "
            + types.stream().map(TargetType::name).sorted().collect(Collectors.joining(", ")));
  }

  /**
   * What a word of a table's text means: with a slash a path, without one the device of that name;
   * a path all the same if there is no such device.
   */
  public static DeviceRef reference(String word, Collection<String> names) {
    return word.indexOf('/') < 0 && (word.isEmpty() || names.contains(word))
        ? new DeviceRef.Named(word)
        : new DeviceRef.AtPath(word);
  }

  /** The table as {@code dmsetup table} prints it: a line for each row, without one at the end. */
  public static String print(TableSpec table) {
    return table.rows().stream()
        .map(row -> print(row.start(), row.length(), row.target().type(), arguments(row.target())))
        .collect(Collectors.joining("\n"));
  }

  /** A target's arguments, quoted. */
  private static String arguments(TargetSpec target) {
    return target.words().stream().map(TableLine::quote).collect(Collectors.joining(" "));
  }

  /** A line as {@code dmsetup table} and {@code dmsetup status} print it. */
  static String print(long start, long length, String type, String rest) {
    return start + " " + length + " " + type + " " + rest;
  }
}
