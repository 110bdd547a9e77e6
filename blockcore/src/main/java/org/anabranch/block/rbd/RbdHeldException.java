// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;

/** Another client, which is alive, has the image's exclusive lock. */
public final class RbdHeldException extends IOException {
  private static final long serialVersionUID = 1L;

  RbdHeldException(String message) {
    super(message);
  }
}
