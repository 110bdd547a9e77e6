// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The layout of a persistent store. All numbers are little endian; a chunk is a power of two of
 * 512-byte sectors.
 *
 * <pre>
 *   chunk 0          header: u32 magic "SnAp" | u32 valid | u32 version = 1 | u32 chunk size | 0 ...
 *   chunk 1          area 0: E records of { u64 old_chunk, u64 new_chunk },  E = chunk bytes / 16
 *   chunks 2 .. E+1  data of the exceptions (or of others: records may point anywhere)
 *   chunk E+2        area 1
 *   ...              area n is chunk 1 + n * (E + 1)
 * </pre>
 *
 * The list of exceptions continues from area to area and ends at the first record whose new_chunk
 * is 0, which cannot be data. Everything after the end is meaningless.
 *
 * @param chunkSectors sectors of a chunk
 */
public record StoreLayout(int chunkSectors) {
  /** The header's first word. */
  public static final int MAGIC = 0x70416e53;

  /** The only version. */
  public static final int VERSION = 1;

  /** Sectors of the largest chunk that is accepted: 32 MiB. */
  public static final int MAX_CHUNK_SECTORS = 1 << 16;

  static final int RECORD_BYTES = 16;

  public StoreLayout {
    if (Integer.bitCount(chunkSectors) != 1 || chunkSectors > MAX_CHUNK_SECTORS) {
      throw new IllegalArgumentException("chunk of " + chunkSectors + " sectors");
    }
  }

  /** Bytes of a chunk. */
  public int chunkBytes() {
    return chunkSectors << 9;
  }

  /** Records in an area. */
  public int exceptionsPerArea() {
    return chunkBytes() / RECORD_BYTES;
  }

  /** The chunk of area {@code n}. */
  public long areaChunk(long n) {
    return 1 + n * (exceptionsPerArea() + 1L);
  }

  /** Whether this chunk contains the header or an area. */
  public boolean isMetadata(long chunk) {
    return chunk == 0 || chunk % (exceptionsPerArea() + 1L) == 1;
  }

  /** The first chunk at or after {@code chunk} that may contain data. */
  public long skipMetadata(long chunk) {
    while (isMetadata(chunk)) {
      chunk++;
    }
    return chunk;
  }

  /** The first metadata chunk after data chunk {@code chunk}. */
  public long nextMetadata(long chunk) {
    long period = exceptionsPerArea() + 1L;
    return (chunk - 1 + period - 1) / period * period + 1;
  }

  /** First sector of a chunk. */
  public long sector(long chunk) {
    return chunk * chunkSectors;
  }

  /** The number of whole chunks on a device of {@code sectors} sectors. */
  public long chunksIn(long sectors) {
    return sectors / chunkSectors;
  }

  /**
   * The fields of a header, with any values.
   *
   * @param chunkSectors as found on disk, unchecked
   */
  public record Header(int magic, int valid, int version, int chunkSectors) {
    /** The number of bytes of chunk 0 that are used. */
    public static final int BYTES = 16;

    /** Reads the header at the buffer's position. */
    public static Header read(ByteBuffer buffer) {
      ByteBuffer words = buffer.slice().order(ByteOrder.LITTLE_ENDIAN);
      return new Header(words.getInt(), words.getInt(), words.getInt(), words.getInt());
    }

    /** Whole sectors that start with this header, followed by zeros. */
    ByteBuffer write(int bytes) {
      ByteBuffer sectors = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
      sectors.putInt(magic).putInt(valid).putInt(version).putInt(chunkSectors);
      return sectors.clear();
    }
  }
}
