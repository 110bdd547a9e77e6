// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

/** A refused table or life-cycle step; the message is the complete reason. */
public final class TableException extends Exception {
  private static final long serialVersionUID = 1L;

  public TableException(String message) {
    super(message);
  }

  public TableException(String message, Throwable cause) {
    super(message, cause);
  }
}
