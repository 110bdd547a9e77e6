// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.copy;

/**
 * The limits of EXTENDED COPY, as RECEIVE COPY RESULTS and the third-party copy VPD page report
 * them. In bytes unless stated otherwise.
 */
final class CopyLimits {
  static final int HEADER = 16;
  static final int TARGET_DESCRIPTOR = 32;
  static final int BLOCK_SEGMENT = 28;
  static final int OFFSET_SEGMENT = 32;

  static final int IDENTIFICATION = 0xe4;
  static final int BLOCK_TO_BLOCK = 0x02;
  static final int BLOCK_TO_BLOCK_WITH_OFFSET = 0x0a;

  static final int MAX_TARGETS = 16;
  static final int MAX_SEGMENTS = 256;
  static final int MAX_LIST = MAX_TARGETS * TARGET_DESCRIPTOR + MAX_SEGMENTS * BLOCK_SEGMENT;

  /** Small enough that a copy does not keep others waiting for long. */
  static final int MAX_SEGMENT_BYTES = 16 << 20;

  /** Copies of one unit that run at the same time, one segment each; further ones take turns. */
  static final int CONCURRENT = 4;

  /** Log 2 of a block. */
  static final int GRANULARITY = 9;

  private CopyLimits() {}
}
