// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.util.Arrays;

/**
 * Sorts runs by old chunk before inserting them into a table, as far as 36 MiB allow. A store's
 * list has no such order. A table of millions is filled several times faster, and with a fraction
 * of the garbage, when neighbours arrive together.
 */
final class RunSorter {
  private static final int INDEX_BITS = 20;
  private static final int MAX = 1 << INDEX_BITS;
  private static final int MIN = 64;
  private static final long SORTABLE = Long.MAX_VALUE >> INDEX_BITS;

  private final ExceptionTable table;
  private final StoreScan.Visitor visitor;

  /** Old chunk and index, packed into one number. */
  private long[] order = new long[0];

  private long[] news = new long[0];
  private long[] areas = new long[0];
  private int[] records = new int[0];
  private int[] counts = new int[0];
  private int size;

  RunSorter(ExceptionTable table, StoreScan.Visitor visitor) {
    this.table = table;
    this.visitor = visitor;
  }

  void add(long area, int record, long old, long newChunk, int count) {
    if (old > SORTABLE) {
      insert(area, record, old, newChunk, count);
      return;
    }
    if (size == order.length) {
      grow();
    }
    order[size] = old << INDEX_BITS | size;
    news[size] = newChunk;
    areas[size] = area;
    records[size] = record;
    counts[size] = count;
    size++;
    if (size == MAX) {
      insertAll();
    }
  }

  private void grow() {
    int length = Math.clamp(2L * size, MIN, MAX);
    order = Arrays.copyOf(order, length);
    news = Arrays.copyOf(news, length);
    areas = Arrays.copyOf(areas, length);
    records = Arrays.copyOf(records, length);
    counts = Arrays.copyOf(counts, length);
  }

  /** Inserts the collected runs into the table. The earlier one of two for the same chunk wins. */
  void insertAll() {
    Arrays.sort(order, 0, size);
    for (int i = 0; i < size; i++) {
      int from = (int) order[i] & (MAX - 1);
      insert(areas[from], records[from], order[i] >>> INDEX_BITS, news[from], counts[from]);
    }
    size = 0;
  }

  private void insert(long area, int record, long old, long newChunk, int count) {
    if (table.insert(old, newChunk, count)) {
      return;
    }
    for (int i = 0; i < count; i++) {
      if (!table.insert(old + i, newChunk + i, 1)) {
        visitor.problem(area, record + i, "a second exception for chunk " + (old + i));
      }
    }
  }
}
