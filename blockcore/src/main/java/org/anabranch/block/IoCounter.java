// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import org.anabranch.block.count.Counter;
import org.anabranch.block.count.Counters;

/**
 * The requests that a device has begun, by operation. One that waits elsewhere (in a suspended
 * device, say) is counted when it goes on; one that is refused before it begins is not counted.
 */
public enum IoCounter implements Counter {
  READS("Reads"),
  READ_BYTES("Bytes of reads"),
  WRITES("Writes"),
  WRITTEN_BYTES("Bytes of writes"),
  FLUSHES("Flushes"),
  DISCARDS("Discards"),
  DISCARDED_BYTES("Bytes of discards"),
  ZEROINGS("Writes of zeros without data"),
  ZEROED_BYTES("Bytes of writes of zeros without data"),
  STATUS_QUERIES("Queries for the allocation of a range");

  private final String words;

  IoCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "io";
  }

  /** Counts a request that begins. */
  public static void count(Counters<IoCounter> counters, Io io) {
    switch (io.op()) {
      case READ -> count(counters, READS, READ_BYTES, io);
      case WRITE -> count(counters, WRITES, WRITTEN_BYTES, io);
      case FLUSH -> counters.increment(FLUSHES);
      case DISCARD -> count(counters, DISCARDS, DISCARDED_BYTES, io);
      case WRITE_ZEROES -> count(counters, ZEROINGS, ZEROED_BYTES, io);
      case BLOCK_STATUS -> counters.increment(STATUS_QUERIES);
    }
  }

  private static void count(
      Counters<IoCounter> counters, IoCounter operation, IoCounter bytes, Io io) {
    counters.increment(operation);
    counters.add(bytes, io.sectors() << 9);
  }
}
