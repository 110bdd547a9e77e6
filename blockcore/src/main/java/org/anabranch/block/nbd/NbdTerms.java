// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

/**
 * What client and server have agreed on.
 *
 * @param bytes the export's length
 * @param flags the transmission flags
 * @param minBlock requests are multiples of this many bytes, a power of two
 * @param maxPayload the largest read or write, bytes
 * @param structured replies may be structured
 * @param allocation the id of the metadata context {@code base:allocation}; -1 if the server has
 *     none
 */
record NbdTerms(
    long bytes, int flags, int minBlock, int maxPayload, boolean structured, long allocation) {
  static final int READ_ONLY = 1 << 1;
  static final int SEND_FLUSH = 1 << 2;
  static final int SEND_FUA = 1 << 3;
  static final int SEND_TRIM = 1 << 5;
  static final int SEND_WRITE_ZEROES = 1 << 6;

  boolean has(int flag) {
    return (flags & flag) != 0;
  }

  long sectors() {
    return bytes >> 9;
  }
}
