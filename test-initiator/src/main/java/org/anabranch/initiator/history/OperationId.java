// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

/**
 * The name of an operation, unique in its log, and what a write puts into its blocks: {@code 3.17}
 * is the 17th of writer 3.
 *
 * @param writer 1 to 2^20 - 1
 * @param sequence 1 to 2^40 - 1
 */
public record OperationId(int writer, long sequence) {
  private static final int SEQUENCE_BITS = 40;
  private static final long SEQUENCE_MASK = (1L << SEQUENCE_BITS) - 1;

  public OperationId {
    if (writer < 1 || writer >= 1 << 20 || sequence < 1 || sequence > SEQUENCE_MASK) {
      throw new IllegalArgumentException("operation " + writer + "." + sequence);
    }
  }

  /** As a number, which is what the blocks hold. */
  public long value() {
    return ((long) writer << SEQUENCE_BITS) | sequence;
  }

  /** A value in words: {@code 3.17}, {@code 0} for zeros, {@code ?} for what no write left. */
  static String text(long value) {
    if (value == 0) {
      return "0";
    }
    return value < 0 ? "?" : (value >>> SEQUENCE_BITS) + "." + (value & SEQUENCE_MASK);
  }

  /** The value of such words. */
  static long parse(String text) {
    if (text.equals("0")) {
      return 0;
    }
    if (text.equals("?")) {
      return SectorPattern.FOREIGN;
    }
    int dot = text.indexOf('.');
    return new OperationId(
            Integer.parseInt(text.substring(0, dot)), Long.parseLong(text.substring(dot + 1)))
        .value();
  }

  @Override
  public String toString() {
    return writer + "." + sequence;
  }
}
