// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.flakey;

import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.List;
import org.anabranch.block.Io;
import org.anabranch.block.dm.Arguments;
import org.anabranch.block.dm.TableException;

/**
 * {@code corrupt_bio_byte position direction value flags}: overwrites one byte of each request in
 * that direction.
 *
 * @param position the byte in the request's data, from 1; shorter requests are not changed
 * @param write true for writes, false for reads
 * @param value 0 to 255
 * @param flags only requests that have all of these: Linux's bits 0 (write) and 17 (FUA); no
 *     request here has another bit
 */
public record Corruption(long position, boolean write, int value, long flags) {
  private static final long WRITE_BIT = 1;
  private static final long FUA_BIT = 1 << 17;

  static Corruption parse(Iterator<String> words) throws TableException {
    long position = Arguments.number(parameter(words), 1, 0xffff_ffffL, "Invalid corrupt bio byte");
    String direction = parameter(words);
    if (!direction.equals("r") && !direction.equals("w")) {
      throw new TableException("Invalid corrupt bio direction (r or w): " + direction);
    }
    long value =
        Arguments.number(
            parameter(words), 0, 255, "Invalid corrupt value to write into bio byte (0-255)");
    long flags =
        Arguments.number(parameter(words), 0, 0xffff_ffffL, "Invalid corrupt bio flags mask");
    return new Corruption(position, direction.equals("w"), (int) value, flags);
  }

  private static String parameter(Iterator<String> words) throws TableException {
    if (!words.hasNext()) {
      throw new TableException("Feature corrupt_bio_byte requires parameters");
    }
    return words.next();
  }

  /** Whether {@code io} is to be corrupted. */
  boolean hits(Io io) {
    if (io.op() != (write ? Io.Op.WRITE : Io.Op.READ) || position > io.sectors() << 9) {
      return false;
    }
    long carried = (write ? WRITE_BIT : 0) | (io.fua() ? FUA_BIT : 0);
    return (flags & ~carried) == 0;
  }

  /** Overwrites the byte. */
  void apply(ByteBuffer data) {
    data.put(data.position() + (int) (position - 1), (byte) value);
  }

  List<String> words() {
    return List.of(
        "corrupt_bio_byte",
        Long.toString(position),
        write ? "w" : "r",
        Integer.toString(value),
        Long.toString(flags));
  }
}
