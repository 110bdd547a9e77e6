// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import org.anabranch.scsi.unit.LogicalUnit;

/**
 * The limits of commands, as the block limits page reports them (SBC-3 6.6.3). In logical blocks
 * unless stated otherwise.
 *
 * @param compareAndWrite most for COMPARE AND WRITE, at most 255
 * @param granularity optimal transfer length granularity: a physical block
 * @param transfer most that one command moves
 * @param optimalTransfer a good size for streaming
 * @param unmap most in one UNMAP
 * @param unmapDescriptors most descriptors in one UNMAP, a count
 * @param unmapGranularity smallest piece that gives space back
 * @param writeSame most in one WRITE SAME
 */
record BlockLimits(
    int compareAndWrite,
    int granularity,
    long transfer,
    long optimalTransfer,
    long unmap,
    int unmapDescriptors,
    long unmapGranularity,
    long writeSame) {
  private static final int MAX_COMPARE_AND_WRITE = 255;
  private static final int OPTIMAL_TRANSFER = 256 << 10;

  /** Blocks. libiscsi's test suite reports larger values as an error. */
  private static final long MAX_UNMAP = 1L << 20;

  /** Blocks: the most that WRITE SAME (10) can specify, so that a command does not take long. */
  private static final long MAX_WRITE_SAME = 0xffff;

  private static final int MAX_UNMAP_DESCRIPTORS = 256;

  static BlockLimits of(LogicalUnit unit) {
    int block = unit.blockSize();
    return new BlockLimits(
        MAX_COMPARE_AND_WRITE,
        unit.properties().physicalBlockSize() / block,
        LogicalUnit.MAX_TRANSFER / block,
        OPTIMAL_TRANSFER / block,
        unit.isThin() ? MAX_UNMAP : 0,
        unit.isThin() ? MAX_UNMAP_DESCRIPTORS : 0,
        unit.isThin()
            ? Math.max(
                unit.toBlocks(unit.device().limits().discardGranularity()),
                unit.properties().physicalBlockSize() / block)
            : 0,
        MAX_WRITE_SAME);
  }
}
