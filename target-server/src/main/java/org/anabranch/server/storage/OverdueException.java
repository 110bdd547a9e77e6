// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import org.anabranch.server.base.RefusedException;

/**
 * Nobody waits any longer for what was begun below, such as a request of a disk that hangs. It may
 * still be done at any time, and what was asked for behind it takes effect after it.
 */
public final class OverdueException extends RefusedException {
  private static final long serialVersionUID = 1L;

  OverdueException(String message, Throwable cause) {
    super(message, cause);
  }
}
