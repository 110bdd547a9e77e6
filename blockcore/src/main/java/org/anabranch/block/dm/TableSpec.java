// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A table as a value: which target has which sectors of a device. The rows follow each other
 * without a gap, from sector 0. {@link TableText} parses and prints it as {@code dmsetup} does.
 *
 * @param rows 1 to {@link #MAX_ROWS}
 */
public record TableSpec(List<Row> rows) {
  /** The largest number of rows in a table. */
  public static final int MAX_ROWS = 10_000;

  /** The highest end of a request: byte offsets are signed longs. */
  static final long MAX_SECTORS = Long.MAX_VALUE / 512;

  /**
   * One target and its range.
   *
   * @param start first sector on the mapped device
   * @param length length in sectors, at least 1
   */
  public record Row(long start, long length, TargetSpec target) {
    public Row {
      if (start < 0 || length < 1 || length > MAX_SECTORS - start) {
        throw new IllegalArgumentException("sectors " + start + "+" + length);
      }
    }

    /** The sector after its last one. */
    public long end() {
      return start + length;
    }
  }

  /**
   * Makes a table.
   *
   * @throws IllegalArgumentException if there are no rows or too many, or a gap between them
   */
  public TableSpec {
    rows = List.copyOf(rows);
    if (rows.isEmpty() || rows.size() > MAX_ROWS) {
      throw new IllegalArgumentException(rows.size() + " rows");
    }
    long end = 0;
    for (Row row : rows) {
      if (row.start != end) {
        throw new IllegalArgumentException("starts at " + row.start + " instead of " + end);
      }
      end = row.end();
    }
  }

  /** A table of one target, from sector 0. */
  public static TableSpec of(long sectors, TargetSpec target) {
    return new TableSpec(List.of(new Row(0, sectors, target)));
  }

  /** This table with one more target at its end. */
  public TableSpec and(long sectors, TargetSpec target) {
    List<Row> more = new ArrayList<>(rows);
    more.add(new Row(sectors(), sectors, target));
    return new TableSpec(more);
  }

  /** The length in sectors. */
  public long sectors() {
    return rows.getLast().end();
  }

  /** The devices below, each once, in the order of the rows. */
  public List<DeviceRef> devices() {
    return rows.stream().flatMap(row -> row.target.devices().stream()).distinct().toList();
  }

  /** The same table with each of {@link #devices} replaced. */
  public TableSpec withDevices(UnaryOperator<DeviceRef> change) {
    return new TableSpec(
        rows.stream()
            .map(row -> new Row(row.start, row.length, row.target.withDevices(change)))
            .toList());
  }

  /** As {@code dmsetup} prints it. */
  @Override
  public String toString() {
    return TableText.print(this);
  }
}
