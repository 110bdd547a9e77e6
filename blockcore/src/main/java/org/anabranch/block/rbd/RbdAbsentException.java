// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;

/** The cluster answers, and there is no such image. */
public final class RbdAbsentException extends IOException {
  private static final long serialVersionUID = 1;

  RbdAbsentException(String message) {
    super(message);
  }
}
