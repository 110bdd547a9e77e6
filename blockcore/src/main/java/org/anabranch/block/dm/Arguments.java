// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

/** Reads numbers among a target's arguments. */
public final class Arguments {
  private Arguments() {}

  /**
   * Reads a sector number: decimal digits only.
   *
   * @param refusal the start of the error message, before the word
   */
  public static long sector(String word, String refusal) throws TableException {
    return number(word, 0, Long.MAX_VALUE / 512, refusal);
  }

  /** A number from {@code least} to {@code most}: decimal digits only. */
  public static long number(String word, long least, long most, String refusal)
      throws TableException {
    try {
      if (!word.isEmpty() && word.chars().allMatch(c -> c >= '0' && c <= '9')) {
        long number = Long.parseLong(word);
        if (number >= least && number <= most) {
          return number;
        }
      }
    } catch (NumberFormatException e) {
      throw new TableException(refusal + ": " + word, e);
    }
    throw new TableException(refusal + ": " + word);
  }
}
