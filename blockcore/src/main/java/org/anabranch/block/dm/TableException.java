// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

/**
 * A table, or a step of a device's life cycle, that is refused; the message is the whole reason.
 */
public final class TableException extends Exception {
  private static final long serialVersionUID = 1L;

  public TableException(String message) {
    super(message);
  }

  public TableException(String message, Throwable cause) {
    super(message, cause);
  }
}
