// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

/**
 * What a device supports. Every device accepts requests in whole sectors of 512 bytes; the block
 * sizes are those that it prefers and reports to the layers above.
 *
 * @param logicalBlockSize bytes, a power of two of at least 512
 * @param physicalBlockSize bytes, a multiple of {@code logicalBlockSize}; smaller writes cost a
 *     read-modify-write
 * @param readOnly writes, discards and writes of zeros fail with {@link IoError.Kind#READ_ONLY}
 * @param discards whether {@link Io.Op#DISCARD} has an effect
 * @param discardZeroes whether a discarded range reads as zeros
 * @param discardGranularity sectors; a smaller discard may release nothing
 * @param holesReadZero whether ranges that {@link Io.Op#BLOCK_STATUS} reports as unallocated read
 *     as zeros. A device may report holes without being able to punch them, as a snapshot does
 */
public record Limits(
    int logicalBlockSize,
    int physicalBlockSize,
    boolean readOnly,
    boolean discards,
    boolean discardZeroes,
    long discardGranularity,
    boolean holesReadZero) {

  /** A device whose holes read as zeros if discarded ranges do. */
  public Limits(
      int logicalBlockSize,
      int physicalBlockSize,
      boolean readOnly,
      boolean discards,
      boolean discardZeroes,
      long discardGranularity) {
    this(
        logicalBlockSize,
        physicalBlockSize,
        readOnly,
        discards,
        discardZeroes,
        discardGranularity,
        discardZeroes);
  }

  public Limits {
    if (logicalBlockSize < 512
        || Integer.bitCount(logicalBlockSize) != 1
        || physicalBlockSize < logicalBlockSize
        || physicalBlockSize % logicalBlockSize != 0
        || discardGranularity < 1) {
      throw new IllegalArgumentException(
          "block sizes "
              + logicalBlockSize
              + "/"
              + physicalBlockSize
              + ", discard granularity "
              + discardGranularity);
    }
  }

  /** 512-byte blocks, writable, discards of any sector, which then reads as zeros. */
  public static final Limits DEFAULT = new Limits(512, 512, false, true, true, 1);

  public Limits withBlockSizes(int logical, int physical) {
    return new Limits(
        logical, physical, readOnly, discards, discardZeroes, discardGranularity, holesReadZero);
  }

  public Limits withReadOnly(boolean isReadOnly) {
    return new Limits(
        logicalBlockSize,
        physicalBlockSize,
        isReadOnly,
        discards,
        discardZeroes,
        discardGranularity,
        holesReadZero);
  }

  public Limits withDiscard(boolean supported, boolean zeroes, long granularity) {
    return new Limits(
        logicalBlockSize, physicalBlockSize, readOnly, supported, zeroes, granularity, zeroes);
  }

  /** The same limits with another {@link #holesReadZero}. */
  public Limits withHolesReadZero(boolean zero) {
    return new Limits(
        logicalBlockSize,
        physicalBlockSize,
        readOnly,
        discards,
        discardZeroes,
        discardGranularity,
        zero);
  }

  /**
   * The limits of a device made of one with these limits and one with {@code others}: the larger
   * block sizes, read-only if either is, discards and zeros only if both have them.
   */
  public Limits and(Limits others) {
    return new Limits(
        Math.max(logicalBlockSize, others.logicalBlockSize),
        Math.max(physicalBlockSize, others.physicalBlockSize),
        readOnly || others.readOnly,
        discards && others.discards,
        discardZeroes && others.discardZeroes,
        Math.max(discardGranularity, others.discardGranularity),
        holesReadZero && others.holesReadZero);
  }
}
