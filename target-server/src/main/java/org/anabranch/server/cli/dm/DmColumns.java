// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli.dm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.anabranch.server.control.verbs.dm.DmInfoVerb.Device;

/**
 * {@code dm info -c}: the columns of {@code dmsetup info -c}, in its widths. A column is wider
 * where a value is; blanks at the end of a line are left out.
 *
 * <pre>
 *   field      heading   width
 *   name       Name      16, left
 *   major      Maj       3
 *   minor      Min       3
 *   attr       Stat      4, left: (L)ive, (I)nactive, (s)uspended, (r)ead-only or read-(w)rite
 *   open       Open      4
 *   segments   Targ      4
 *   events     Event     6
 *   uuid       UUID      empty: devices have none here
 * </pre>
 */
public final class DmColumns {
  private static final List<Column> ALL =
      List.of(
          new Column("name", "Name", -16, Device::name),
          new Column("major", "Maj", 3, device -> Integer.toString(device.major())),
          new Column("minor", "Min", 3, device -> Integer.toString(device.minor())),
          new Column("attr", "Stat", -4, DmColumns::attributes),
          new Column("open", "Open", 4, device -> Integer.toString(device.openCount())),
          new Column("segments", "Targ", 4, device -> Integer.toString(device.targets())),
          new Column("events", "Event", 6, device -> Long.toString(device.eventNumber())),
          new Column("uuid", "UUID", -32, device -> ""));

  /** Fields that dmsetup has under other names. */
  private static final Map<String, String> ALIASES = Map.of("stat", "attr", "targets", "segments");

  /**
   * A column.
   *
   * @param width at least; negative: left-aligned
   */
  private record Column(String field, String heading, int width, Function<Device, String> value) {}

  private final List<Column> columns;

  private DmColumns(List<Column> columns) {
    this.columns = columns;
  }

  /**
   * The columns of a list of fields, divided by commas; {@code +} in front adds to the standard
   * ones.
   *
   * @throws IllegalArgumentException with the fields that there are
   */
  public static DmColumns of(String fields) {
    boolean more = fields.startsWith("+");
    List<Column> columns = new ArrayList<>(more || fields.isEmpty() ? ALL : List.of());
    List<String> names = Arrays.asList(fields.substring(more ? 1 : 0).split(",", -1));
    for (String name : fields.isEmpty() ? List.<String>of() : names) {
      String field = ALIASES.getOrDefault(name, name).toLowerCase(Locale.ROOT);
      columns.add(
          ALL.stream()
              .filter(column -> column.field.equals(field))
              .findFirst()
              .orElseThrow(() ->
                  new IllegalArgumentException(
                      "-o: no field '"
                          + name
                          + "'; there are "
                          + String.join(", ", ALL.stream().map(Column::field).toList()))));
    }
    return new DmColumns(columns);
  }

  private static String attributes(Device device) {
    return (device.live() ? "L" : "-")
        + (device.inactive() ? "I" : "-")
        + (device.suspended() ? "s" : "-")
        + (device.readOnly() ? "r" : "w");
  }

  /** The lines, with headings unless they are not wanted. */
  public String text(List<Device> devices, boolean headings) {
    List<List<String>> rows = new ArrayList<>();
    if (headings) {
      rows.add(columns.stream().map(Column::heading).toList());
    }
    for (Device device : devices) {
      rows.add(columns.stream().map(column -> column.value.apply(device)).toList());
    }
    StringBuilder text = new StringBuilder();
    for (int row = 0; row < rows.size(); row++) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns.size(); i++) {
        int width = Math.abs(columns.get(i).width());
        for (List<String> each : rows) {
          width = Math.max(width, each.get(i).length());
        }
        boolean left = columns.get(i).width() < 0 || (headings && row == 0);
        line.append(i == 0 ? "" : " ")
            .append(String.format("%" + (left ? "-" : "") + width + "s", rows.get(row).get(i)));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
