// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import java.util.ArrayList;
import java.util.List;

/**
 * Histories that seeds seldom draw: stores that end with an area, in their last chunk, or have very
 * large chunks.
 */
final class OddShapes {
  private static final int MAX_SECTORS = 1024;

  private OddShapes() {}

  /** Written, and then loaded. */
  static List<StoreHistory> written() {
    return List.of(
        // One area, or two, all of it, so that there is one more without a single exception.
        runs(201, 1, "P", 4, 0, -1, 20, 1, 11),
        runs(202, 1, "PO", 5, 0, -1, 31, 1, 30, 2),
        // The last exception takes the last chunk; there may be something behind it, but no chunk.
        runs(203, 8, "P", 0, 0, -1, 26, 1, 1, 2),
        runs(204, 16, "PO", 0, 15, -1, 1, 5, 1),
        // Room for one more.
        runs(205, 8, "PO", 1, 0, -1, 28, 1, 1),
        // An area of 256, and the first of the next.
        runs(206, 8, "P", 4, 0, -1, 254, 1, 2),
        megabytes(207, "P"),
        megabytes(208, "PO"));
  }

  /** Written, and merged by Linux up to an exception that can't be: a run of one. */
  static List<StoreHistory> halfMerged() {
    return List.of(
        // The last of the first area, the first of the second, the first of all, the last of all.
        runs(211, 1, "P", 8, 0, 31, 31, 1, 1, 1, 1),
        runs(212, 1, "P", 8, 0, 32, 31, 1, 1, 1, 1),
        runs(213, 1, "PO", 8, 0, 0, 1, 31, 1),
        runs(214, 1, "P", 8, 0, 63, 32, 31, 1),
        // The same with areas of 256.
        runs(215, 8, "P", 8, 0, 255, 255, 1, 1, 1),
        runs(216, 8, "PO", 8, 0, 256, 255, 1, 1, 1));
  }

  /** The last exception fills the area, and the next area has no room: that is the store's end. */
  static List<StoreHistory> spoilt() {
    return List.of(runs(231, 1, "P", 0, -1, -1, 31, 1), runs(232, 1, "PO", 0, -1, -1, 30, 2));
  }

  /** Never on disk: Linux and this code each carry them out. */
  static List<StoreHistory> transientOnes() {
    return List.of(
        runs(221, 8, "N", 3, 0, -1, 4, 1, 1),
        runs(222, 32, "N", 0, 7, -1, 1, 2, 1),
        megabytes(223, "N"));
  }

  /**
   * Exceptions in runs of these lengths with a gap behind each, by turns from writes to the
   * snapshot and to the origin. Linux merges a run together, or up to an area's end.
   *
   * @param spare chunks of the store that are left
   * @param rest sectors behind its last chunk
   */
  private static StoreHistory runs(
      long seed, int chunk, String type, int spare, int rest, int stop, int... lengths) {
    List<StoreHistory.Write> writes = new ArrayList<>();
    int at = 0;
    int exceptions = 0;
    for (int i = 0; i < lengths.length; i++) {
      for (int from = 0; from < lengths[i]; from += MAX_SECTORS / chunk) {
        int count = Math.min(MAX_SECTORS / chunk, lengths[i] - from);
        writes.add(write(i % 2 == 0, (at + from) * chunk, count * chunk, at + from));
      }
      at += lengths[i] + 1;
      exceptions += lengths[i];
    }
    return new StoreHistory(
        seed, chunk, at * chunk, cow(type, chunk, exceptions + spare) + rest, type, writes, stop);
  }

  /** How long a device with that many exceptions is. */
  private static int cow(String type, int chunk, int exceptions) {
    int perArea = chunk * 32;
    int metadata = type.equals("N") ? 0 : 2 + exceptions / perArea; // a header, and areas
    return (metadata + exceptions) * chunk;
  }

  /** Chunks of 2048 sectors, the last of the origin cut short; the store has no room to spare. */
  private static StoreHistory megabytes(long seed, String type) {
    int chunk = 2048;
    return new StoreHistory(
        seed,
        chunk,
        6 * chunk + 777,
        cow(type, chunk, 4),
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
