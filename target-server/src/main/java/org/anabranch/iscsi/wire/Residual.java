// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

/**
 * The residual count of a command (RFC 7143 11.4.5): by how many bytes the expected data transfer
 * length missed what the command would move. Positive is an overflow (more would have been moved,
 * had the initiator expected it), negative an underflow (the initiator expected more).
 *
 * <pre>
 *   flags of the command   what is counted
 *   W                      data-out that the CDB asks for, against the expected length
 *   R                      data-in that the command produced, against the expected length
 *   neither                all that the CDB asks for in either direction: an overflow
 * </pre>
 *
 * A command with the wrong flag thus has an underflow of all that was expected. The bits and the
 * count for bidirectional reads stay 0: no command here is bidirectional.
 */
public final class Residual {
  private static final int OVERFLOW = 0x04;
  private static final int UNDERFLOW = 0x02;

  private Residual() {}

  /**
   * Returns the residual, positive for an overflow.
   *
   * @param moves bytes that the command moves by itself
   * @param expected bytes, 0 for a command without R and W
   */
  public static long of(long moves, long expected) {
    return moves - expected;
  }

  /** The O and U bits of byte 1. At most one of them is set. */
  public static int flags(long residual) {
    return residual == 0 ? 0 : residual > 0 ? OVERFLOW : UNDERFLOW;
  }

  /** The Residual Count field, unsigned 32 bits; 0 if neither bit is set. */
  public static int count(long residual) {
    return (int) Math.abs(residual);
  }
}
