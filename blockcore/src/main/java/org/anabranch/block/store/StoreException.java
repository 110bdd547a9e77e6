// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

/** A store that cannot be used. The message says what is wrong and where. */
public final class StoreException extends Exception {
  private static final long serialVersionUID = 1L;

  public StoreException(String message) {
    super(message);
  }
}
