// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import org.jspecify.annotations.Nullable;

/** The refusal of one row of a table. Who loads the table knows how to name the row. */
final class RowException extends Exception {
  private static final long serialVersionUID = 1L;

  private final int row;

  /**
   * @param row which row, from 0
   * @param reason the whole reason, without the row
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
