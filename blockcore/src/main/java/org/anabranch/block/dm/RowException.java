// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import org.jspecify.annotations.Nullable;

/** Why one row of a table is refused. The caller knows how to name the row. */
final class RowException extends Exception {
  private static final long serialVersionUID = 1L;

  private final int row;

  /**
   * Creates the refusal.
   *
   * @param row the row's index, from 0
   * @param reason the complete reason, without the row
   */
  RowException(int row, String reason, @Nullable Throwable cause) {
    super(reason, cause);
    this.row = row;
  }

  RowException(int row, String reason) {
    this(row, reason, null);
  }

  int row() {
    return row;
  }
}
