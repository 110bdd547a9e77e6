// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import java.io.IOException;

/** The server is there, and refuses the export: to try again soon would not help. */
public final class NbdRefusedException extends IOException {
  private static final long serialVersionUID = 1L;

  NbdRefusedException(String message) {
    super(message);
  }
}
