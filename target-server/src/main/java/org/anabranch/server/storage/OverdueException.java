// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import org.anabranch.server.base.RefusedException;

/**
 * An operation of the block layer did not end in time, as when a disk hangs. It may still take
 * effect at any time; operations that are requested later take effect after it.
 */
public final class OverdueException extends RefusedException {
  private static final long serialVersionUID = 1L;

  OverdueException(String message, Throwable cause) {
    super(message, cause);
  }
}
