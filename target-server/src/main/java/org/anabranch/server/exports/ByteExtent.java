// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

/**
 * A part of a device.
 *
 * @param offset bytes
 * @param length bytes, more than 0
 */
public record ByteExtent(long offset, long length) {
  /** The first byte behind it. */
  public long end() {
    return offset + length;
  }
}
