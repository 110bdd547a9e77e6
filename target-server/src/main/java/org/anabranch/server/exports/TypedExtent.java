// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * A part of a device, and what it reads as.
 *
 * @param offset bytes
 * @param length bytes, more than 0
 * @param type what it reads as; null where nobody asked
 */
public record TypedExtent(long offset, long length, @Nullable Type type) {
  /** What an extent reads as. */
  public enum Type {
    /** Anything, zeros too. */
    DATA,
    /** Zeros: nothing is stored there, or it lies behind the end of the device. */
    ZERO
  }

  /** Takes extents one by one. */
  public interface Sink {
    /** Takes the next. */
    void take(TypedExtent extent) throws RefusedException, ClientGoneException;
  }

  /**
   * Divides an extent by what it reads as; neighbours of one type become one. One thread, which
   * waits for the device.
   */
  static void divide(BlockDevice device, ByteExtent whole, Sink sink)
      throws RefusedException, ClientGoneException {
    long from = whole.offset();
    @Nullable Type type = null;
    for (long at = from; at < whole.end(); ) {
      long length = whole.end() - at;
      Type here = Type.ZERO;
      if (at >> 9 < device.sectors()) {
        Io status =
            DeviceReads.status(
                device, at >> 9, Math.min(length >> 9, device.sectors() - (at >> 9)));
        length = status.statusSectors() << 9;
        here = status.allocated() ? Type.DATA : Type.ZERO;
      }
      if (type != null && type != here) {
        sink.take(new TypedExtent(from, at - from, type));
        from = at;
      }
      type = here;
      at += length;
    }
    if (type != null) {
      sink.take(new TypedExtent(from, whole.end() - from, type));
    }
  }
}
