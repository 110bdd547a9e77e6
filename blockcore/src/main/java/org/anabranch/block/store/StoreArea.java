// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One area in memory: its records, of which the first {@link #used} are on the list. What lies
 * behind them is zero. It is written by pages of 4 KiB, or whole where chunks are smaller.
 */
final class StoreArea {
  private static final int PAGE = 4096;

  final long number;

  /** Records on the list. */
  int used;

  private final StoreLayout layout;
  private final ByteBuffer content;

  /** An area with this content, of which everything behind {@code used} records is dropped. */
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

  /** The same area, cut off behind {@code newUsed} records; this one stays as it is. */
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

  /** Copies the {@code count} records in front of {@code end} to {@code at} in both arrays. */
  void copy(int end, int count, long[] old, long[] news, int at) {
    for (int i = 0; i < count; i++) {
      int record = (end - count + i) * StoreLayout.RECORD_BYTES;
      old[at + i] = content.getLong(record);
      news[at + i] = content.getLong(record + 8);
    }
  }

  /** First sector, on the device, of the page that record {@code from} is in. */
  long sector(int from) {
    return layout.sector(layout.areaChunk(number)) + (pageOf(from) >> 9);
  }

  /** The pages from that of record {@code from} to that of the record in front of {@code end}. */
  ByteBuffer pages(int from, int end) {
    int bytes = Math.max(1, end) * StoreLayout.RECORD_BYTES;
    int stop = Math.min((bytes + PAGE - 1) / PAGE * PAGE, content.capacity());
    return content.slice(pageOf(from), stop - pageOf(from));
  }

  private static int pageOf(int record) {
    return record * StoreLayout.RECORD_BYTES / PAGE * PAGE;
  }
}
