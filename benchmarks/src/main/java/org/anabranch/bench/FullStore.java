// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A persistent dm-snapshot store with as many exceptions as wanted, none beside another one: what
 * takes most memory and longest to search. Its chunks of data are holes.
 */
final class FullStore {
  private static final int MAGIC = 0x70416e53;
  private static final int CHUNK_SECTORS = 8;
  static final int CHUNK = CHUNK_SECTORS * 512;
  private static final int PER_AREA = CHUNK / 16;

  /** A prime, so that multiplying goes through all chunks before it comes back. */
  private static final long STRIDE = 2_654_435_761L;

  private FullStore() {}

  /** How long the origin is: it has an exception for every other chunk. */
  static long originBytes(int exceptions) {
    return 2L * exceptions * CHUNK;
  }

  /**
   * Makes a file.
   *
   * @return the table's arguments behind the store's path
   */
  static String write(Path file, int exceptions) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
      chunk.putInt(MAGIC).putInt(1).putInt(1).putInt(CHUNK_SECTORS).clear();
      channel.write(chunk, 0);
      // The area behind the last full one is there in any case: a zero record ends the list.
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
