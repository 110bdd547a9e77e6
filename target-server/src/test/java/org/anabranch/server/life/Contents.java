// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What each sector of a device may read as, by the number of the write that it is of; 0 for zeros.
 * The last number is that of the newest write, the ones before it those that a power cut may bring
 * back. A value: every change makes another one.
 */
record Contents(int[][] sectors) {
  static final int SECTOR = 512;

  /** All zeros, durably. */
  static Contents zeros(int count) {
    int[][] sectors = new int[count][];
    Arrays.fill(sectors, new int[1]);
    return new Contents(sectors);
  }

  int length() {
    return sectors.length;
  }

  /** After a write, which a power cut may take back. */
  Contents written(int first, int count, int write) {
    int[][] now = sectors.clone();
    for (int i = first; i < first + count; i++) {
      now[i] = Arrays.copyOf(now[i], now[i].length + 1);
      now[i][now[i].length - 1] = write;
    }
    return new Contents(now);
  }

  /** Longer, by zeros. */
  Contents extended(int count) {
    int[][] now = Arrays.copyOf(sectors, count);
    Arrays.fill(now, sectors.length, count, new int[1]);
    return new Contents(now);
  }

  /** With everything of {@code other} at its place; what is behind that stays. */
  Contents overwritten(Contents other) {
    int[][] now = sectors.clone();
    System.arraycopy(other.sectors, 0, now, 0, Math.min(other.length(), length()));
    return new Contents(now);
  }

  /** When everything written is durable. */
  Contents flushed() {
    int[][] now = new int[sectors.length][];
    for (int i = 0; i < now.length; i++) {
      now[i] = new int[] {sectors[i][sectors[i].length - 1]};
    }
    return new Contents(now);
  }

  /** The data of a write. */
  static ByteBuffer data(int first, int count, int write) {
    ByteBuffer data = ByteBuffer.allocateDirect(count * SECTOR);
    for (int i = first; i < first + count; i++) {
      put(data, i, write);
    }
    return data.flip();
  }

  private static void put(ByteBuffer data, int sector, int write) {
    for (int i = 0; i < SECTOR; i += 8) {
      data.putInt(write == 0 ? 0 : sector).putInt(write);
    }
  }

  /** The contents that were read, all of them durable; what is wrong is in the exception. */
  static Contents read(String device, ByteBuffer data) {
    int[][] sectors = new int[data.remaining() / SECTOR][];
    ByteBuffer expected = ByteBuffer.allocate(SECTOR);
    for (int i = 0; i < sectors.length; i++) {
      ByteBuffer found = data.slice(i * SECTOR, SECTOR);
      int write = found.getInt(4);
      put(expected.clear(), i, write);
      if (!found.equals(expected.flip())) {
        throw new AssertionError(
            device + ": sector " + i + " holds sector " + found.getInt(0) + " of write " + write);
      }
      sectors[i] = new int[] {write};
    }
    return new Contents(sectors);
  }

  /**
   * What of {@code found}, which was read, is not right; empty when it is.
   *
   * @param strict each sector must be as it was last written
   */
  String wrong(Contents found, boolean strict) {
    if (found.length() != length()) {
      return found.length() + " sectors, not " + length();
    }
    for (int i = 0; i < length(); i++) {
      int read = found.sectors[i][0];
      int[] allowed = sectors[i];
      boolean fits =
          strict
              ? allowed[allowed.length - 1] == read
              : Arrays.stream(allowed).anyMatch(each -> each == read);
      if (!fits) {
        return "sector " + i + " is of write " + read + ", not of " + Arrays.toString(allowed);
      }
    }
    return "";
  }
}
