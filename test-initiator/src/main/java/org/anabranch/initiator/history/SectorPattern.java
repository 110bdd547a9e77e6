// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The content of a sector of 512 bytes: its LUN, its number and its write. All other words follow
 * from these, so a sector with parts of two writes is recognized as neither.
 *
 * <pre>
 *   0 magic ^ lun   8 sector   16 write   24 ... 504 words derived from these three
 * </pre>
 *
 * A sector of zeros is write 0: never written, or discarded.
 */
public final class SectorPattern {
  public static final int SECTOR = 512;

  /** The result of {@link #read} for a sector that none of our writes produced. */
  public static final long FOREIGN = -1;

  private static final long MAGIC = 0x416e_6162_7261_6e63L;
  private static final long STEP = 0x9e37_79b9_7f4a_7c15L;

  private SectorPattern() {}

  /** Fills one sector at {@code offset}; the buffer's position does not change. */
  public static void write(ByteBuffer data, int offset, int lun, long sector, long write) {
    ByteBuffer out = data.order(ByteOrder.LITTLE_ENDIAN);
    long magic = MAGIC ^ lun;
    out.putLong(offset, magic);
    out.putLong(offset + 8, sector);
    out.putLong(offset + 16, write);
    long word = seed(magic, sector, write);
    for (int at = 24; at < SECTOR; at += 8) {
      word += STEP;
      out.putLong(offset + at, word ^ (word >>> 29));
    }
  }

  /** The write that produced the sector at {@code offset}, 0 for zeros, or {@link #FOREIGN}. */
  public static long read(ByteBuffer data, int offset, int lun, long sector) {
    ByteBuffer in = data.order(ByteOrder.LITTLE_ENDIAN);
    long magic = in.getLong(offset);
    if (magic == 0) {
      return isZero(in, offset) ? 0 : FOREIGN;
    }
    long write = in.getLong(offset + 16);
    if (magic != (MAGIC ^ lun) || in.getLong(offset + 8) != sector || write <= 0) {
      return FOREIGN;
    }
    long word = seed(magic, sector, write);
    for (int at = 24; at < SECTOR; at += 8) {
      word += STEP;
      if (in.getLong(offset + at) != (word ^ (word >>> 29))) {
        return FOREIGN;
      }
    }
    return write;
  }

  /** Describes the content of an unexpected sector. */
  public static String describe(ByteBuffer data, int offset, int lun, long sector) {
    ByteBuffer in = data.order(ByteOrder.LITTLE_ENDIAN);
    long found = read(data, offset, lun, sector);
    if (found >= 0) {
      return found == 0 ? "zeros" : "write " + found;
    }
    long otherLun = in.getLong(offset) ^ MAGIC;
    if (otherLun >= 0 && otherLun <= 0x3fff) {
      return String.format(
          "LUN %d, sector %d, write %d, %s",
          otherLun,
          in.getLong(offset + 8),
          in.getLong(offset + 16),
          read(data, offset, (int) otherLun, in.getLong(offset + 8)) > 0 ? "whole" : "torn");
    }
    return String.format("bytes that begin with %016x", Long.reverseBytes(in.getLong(offset)));
  }

  private static boolean isZero(ByteBuffer in, int offset) {
    for (int at = 0; at < SECTOR; at += 8) {
      if (in.getLong(offset + at) != 0) {
        return false;
      }
    }
    return true;
  }

  private static long seed(long magic, long sector, long write) {
    long mixed = (magic ^ sector * STEP) * 0xbf58_476d_1ce4_e5b9L + write;
    return (mixed ^ (mixed >>> 31)) * 0x94d0_49bb_1331_11ebL;
  }
}
