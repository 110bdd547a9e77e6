// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A persistent dm-snapshot store with a given number of exceptions, no two of them adjacent: the
 * worst case for memory and search time. Its data chunks are holes.
 */
final class FullStore {
  private static final int MAGIC = 0x70416e53;
  private static final int CHUNK_SECTORS = 8;
  static final int CHUNK = CHUNK_SECTORS * 512;
  private static final int PER_AREA = CHUNK / 16;

  /** A prime, so that its multiples reach all chunks before the first one repeats. */
  private static final long STRIDE = 2_654_435_761L;

  private FullStore() {}

  /** The length of the origin, which has an exception for every other chunk. */
  static long originBytes(int exceptions) {
    return 2L * exceptions * CHUNK;
  }

  /**
   * Writes the store to a file.
   *
   * @return the table arguments that follow the path of the store
   */
  static String write(Path file, int exceptions) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
      chunk.putInt(MAGIC).putInt(1).putInt(1).putInt(CHUNK_SECTORS).clear();
      channel.write(chunk, 0);
      // An area always follows the last full one: a zero record ends the list.
      int areas = exceptions / PER_AREA + 1;
      for (int area = 0; area < areas; area++) {
        long at = 1L + (long) area * (PER_AREA + 1);
        chunk.clear();
        for (int i = 0; i < PER_AREA; i++) {
          long number = (long) area * PER_AREA + i;
          boolean used = number < exceptions;
          chunk.putLong(used ? 2 * (number * STRIDE % exceptions) : 0);
          chunk.putLong(used ? at + 1 + i : 0);
        }
        channel.write(chunk.flip(), at * CHUNK);
      }
      channel.write(chunk.clear().limit(1), (1L + (long) areas * (PER_AREA + 1)) * CHUNK - 1);
    }
    return "P " + CHUNK_SECTORS;
  }
}
