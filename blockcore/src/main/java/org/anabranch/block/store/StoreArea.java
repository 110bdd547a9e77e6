// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One area in memory: its records, of which the first {@link #used} are on the list. The rest is
 * zero. It is written in pages of 4 KiB, or as a whole if chunks are smaller.
 */
final class StoreArea {
  private static final int PAGE = 4096;

  final long number;

  /** The number of records on the list. */
  int used;

  private final StoreLayout layout;
  private final ByteBuffer content;

  /** An area with this content, without everything after {@code used} records. */
  StoreArea(StoreLayout layout, long number, ByteBuffer content, int used) {
    this.layout = layout;
    this.number = number;
    this.content = content.order(ByteOrder.LITTLE_ENDIAN);
    this.used = used;
    for (int at = used * StoreLayout.RECORD_BYTES; at < content.capacity(); at += 8) {
      content.putLong(at, 0);
    }
  }

  /** An area without records. */
  static StoreArea empty(StoreLayout layout, long number) {
    return new StoreArea(layout, number, ByteBuffer.allocateDirect(layout.chunkBytes()), 0);
  }

  /** A copy of this area that ends after {@code newUsed} records; this one does not change. */
  StoreArea first(int newUsed) {
    ByteBuffer copy = ByteBuffer.allocateDirect(content.capacity());
    copy.put(0, content, 0, content.capacity());
    return new StoreArea(layout, number, copy, newUsed);
  }

  boolean full() {
    return used == layout.exceptionsPerArea();
  }

  void add(long old, long newChunk) {
    content.putLong(used * StoreLayout.RECORD_BYTES, old);
    content.putLong(used * StoreLayout.RECORD_BYTES + 8, newChunk);
    used++;
  }

  /** Copies {@code count} records before {@code end} into both arrays from {@code at} on. */
  void copy(int end, int count, long[] old, long[] news, int at) {
    for (int i = 0; i < count; i++) {
      int record = (end - count + i) * StoreLayout.RECORD_BYTES;
      old[at + i] = content.getLong(record);
      news[at + i] = content.getLong(record + 8);
    }
  }

  /** The first sector, on the device, of the page with record {@code from}. */
  long sector(int from) {
    return layout.sector(layout.areaChunk(number)) + (pageOf(from) >> 9);
  }

  /** The pages with the records from {@code from} up to, but not including, {@code end}. */
  ByteBuffer pages(int from, int end) {
    int bytes = Math.max(1, end) * StoreLayout.RECORD_BYTES;
    int stop = Math.min((bytes + PAGE - 1) / PAGE * PAGE, content.capacity());
    return content.slice(pageOf(from), stop - pageOf(from));
  }

  private static int pageOf(int record) {
    return record * StoreLayout.RECORD_BYTES / PAGE * PAGE;
  }
}
