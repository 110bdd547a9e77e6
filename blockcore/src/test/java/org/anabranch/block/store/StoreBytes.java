// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Makes the bytes of a store, right or wrong. */
public final class StoreBytes {
  public final byte[] bytes;
  private final ByteBuffer buffer;
  private final int chunkBytes;

  public StoreBytes(int chunks, int chunkSectors) {
    chunkBytes = chunkSectors * 512;
    bytes = new byte[chunks * chunkBytes];
    buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    header(StoreLayout.MAGIC, 1, 1, chunkSectors);
  }

  public StoreBytes header(int... words) {
    for (int i = 0; i < words.length; i++) {
      buffer.putInt(4 * i, words[i]);
    }
    return this;
  }

  public StoreBytes record(int area, int record, long old, long newChunk) {
    int at = (1 + area * (chunkBytes / 16 + 1)) * chunkBytes + 16 * record;
    buffer.putLong(at, old).putLong(at + 8, newChunk);
    return this;
  }
}
