// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import java.util.ArrayList;
import java.util.List;

/**
 * Histories that seeds seldom draw: stores that end with an area, in their last chunk, or have very
 * large chunks.
 */
final class OddShapes {
  private static final int HEADER_AND_AREA = 2;

  private OddShapes() {}

  /** Written, and then loaded. */
  static List<StoreHistory> written() {
    return List.of(
        // One area, all of it, so that there is a second one without a single exception.
        scattered(201, 1, "P", 32, 32 + 4, -1),
        scattered(202, 1, "PO", 64, 64 + 5, -1),
        // The last exception takes the last chunk; there may be something behind it, but no chunk.
        scattered(203, 8, "P", 30, 30, -1),
        withRest(scattered(204, 16, "PO", 7, 7, -1), 15),
        // Room for one more.
        scattered(205, 8, "PO", 30, 31, -1),
        // An area, and the first of the next.
        large(206, 8, 254, 1, 2),
        megabytes(207, "P"),
        megabytes(208, "PO"));
  }

  /** Written, and merged by Linux up to an exception that can't be. */
  static List<StoreHistory> halfMerged() {
    return List.of(
        // The last of the first area, the first of the second, the first of all, the last of all.
        scattered(211, 1, "P", 40, 48, 31),
        scattered(212, 1, "P", 40, 48, 32),
        scattered(213, 1, "PO", 33, 40, 0),
        scattered(214, 1, "P", 64, 72, 63),
        // The same with areas of 256: behind a long run that fills the first but for one.
        large(215, 8, 255, 3, 255),
        large(216, 8, 255, 3, 256));
  }

  /** Never on disk: Linux and this code each carry them out. */
  static List<StoreHistory> transientOnes() {
    return List.of(
        scattered(221, 8, "N", 12, 20, -1),
        scattered(222, 32, "N", 12, 12, -1),
        megabytes(223, "N"));
  }

  /**
   * One exception in every second chunk, by turns from a write to the snapshot and to the origin;
   * so none is merged together with another.
   *
   * @param chunks in the store, beside its header and the first area
   */
  private static StoreHistory scattered(
      long seed, int chunkSectors, String type, int exceptions, int chunks, int stop) {
    List<StoreHistory.Write> writes = new ArrayList<>();
    for (int i = 0; i < exceptions; i++) {
      writes.add(write(i % 3 > 0, 2 * i * chunkSectors, Math.max(1, chunkSectors - i % 2), i));
    }
    int metadata = type.equals("N") ? 0 : HEADER_AND_AREA;
    return new StoreHistory(
        seed,
        chunkSectors,
        2 * exceptions * chunkSectors,
        (metadata + chunks) * chunkSectors,
        type,
        writes,
        stop);
  }

  private static StoreHistory withRest(StoreHistory history, int sectors) {
    return new StoreHistory(
        history.seed,
        history.chunkSectors,
        history.originSectors,
        history.cowSectors + sectors,
        history.type,
        history.writes,
        history.stop);
  }

  /** A run of exceptions, and then some that are not next to each other. */
  private static StoreHistory large(long seed, int chunkSectors, int run, int scattered, int stop) {
    List<StoreHistory.Write> writes = new ArrayList<>();
    int most = 1024 / chunkSectors;
    for (int at = 0; at < run; at += most) {
      int count = Math.min(most, run - at);
      writes.add(write(true, at * chunkSectors, count * chunkSectors, at));
    }
    for (int i = 0; i < scattered; i++) {
      writes.add(write(i % 2 == 0, (run + 5 + 3 * i) * chunkSectors, chunkSectors, i));
    }
    int origin = run + 5 + 3 * scattered;
    return new StoreHistory(
        seed, chunkSectors, origin * chunkSectors, (origin + 4) * chunkSectors, "P", writes, stop);
  }

  /** Chunks of 2048 sectors, the last of the origin cut short; the store has no room to spare. */
  private static StoreHistory megabytes(long seed, String type) {
    int chunk = 2048;
    int metadata = type.equals("N") ? 0 : HEADER_AND_AREA;
    return new StoreHistory(
        seed,
        chunk,
        6 * chunk + 777,
        (metadata + 4) * chunk,
        type,
        List.of(
            write(true, 6 * chunk + 776, 1, 9),
            write(false, chunk - 3, 6, 99),
            write(true, 4 * chunk, 1000, 999)),
        -1);
  }

  private static StoreHistory.Write write(boolean toSnapshot, int sector, int count, int at) {
    return new StoreHistory.Write(toSnapshot, sector, count, 17 * at % 2048 + 1000);
  }
}
