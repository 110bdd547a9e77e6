// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.io.IOException;

/** A task management function ended the command: the target sends no response for it. */
public final class TaskAbortedException extends IOException {
  private static final long serialVersionUID = 1L;

  TaskAbortedException(String message) {
    super(message);
  }
}
