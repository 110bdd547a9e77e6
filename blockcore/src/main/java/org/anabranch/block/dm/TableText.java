// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Converts between tables as values and {@code dmsetup}'s text. {@link TableLine} splits the text
 * into words, and each row's type then interprets its words; so a word is a device only where the
 * type expects one.
 */
public final class TableText {
  private TableText() {}

  /**
   * Parses a table.
   *
   * @param types the types that rows may have
   * @param devices maps a word to a device where one is expected: {@link #reference}
   * @throws TableException names the line and the reason of the first error
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

  /** The type with that name. */
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
   * The device that a word of a table's text names: a word with a slash is a path; another word is
   * a device's name, or a path if there is no such device.
   */
  public static DeviceRef reference(String word, Collection<String> names) {
    return word.indexOf('/') < 0 && (word.isEmpty() || names.contains(word))
        ? new DeviceRef.Named(word)
        : new DeviceRef.AtPath(word);
  }

  /** The table as {@code dmsetup table} prints it: one line for each row, no final line feed. */
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
