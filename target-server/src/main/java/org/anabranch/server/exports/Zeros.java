// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.nio.ByteBuffer;

/** Finds zeros, which need not be stored. */
public final class Zeros {
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(DeviceReads.BLOCK);

  private Zeros() {}

  /** Whether the {@code length} bytes at {@code from}, at most a block, are zeros. */
  public static boolean at(ByteBuffer data, int from, int length) {
    return data.slice(from, length).mismatch(ZEROS.slice(0, length)) < 0;
  }
}
