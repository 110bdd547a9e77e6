// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.nio.ByteBuffer;

/**
 * The content of a sector as one number: 64 times the same 8 bytes, which say which write it was
 * and which of its sectors. Zeros are the stamp 0.
 */
public final class Stamp {
  /** What is read when a sector does not hold 64 times the same. */
  static final long TORN = -1;

  private static final int LONGS = 64;
  private static final int INDEX_BITS = 16;

  private Stamp() {}

  /** Of sector {@code index} of write {@code number}, counted from 1 on. */
  static long of(long number, long index) {
    return number << INDEX_BITS | index;
  }

  public static ByteBuffer fill(long number, int sectors) {
    ByteBuffer data = ByteBuffer.allocate(sectors * 512);
    for (int i = 0; i < sectors; i++) {
      for (int j = 0; j < LONGS; j++) {
        data.putLong(of(number, i));
      }
    }
    return data.flip();
  }

  /** What the {@code index}th sector of {@code data} holds. */
  static long read(ByteBuffer data, int index) {
    int at = data.position() + index * 512;
    long stamp = data.getLong(at);
    for (int j = 1; j < LONGS; j++) {
      if (data.getLong(at + j * 8) != stamp) {
        return TORN;
      }
    }
    return stamp;
  }

  static String text(long stamp) {
    if (stamp == 0 || stamp == TORN) {
      return stamp == 0 ? "zeros" : "torn";
    }
    return "w" + (stamp >>> INDEX_BITS) + "." + (stamp & (1 << INDEX_BITS) - 1);
  }
}
