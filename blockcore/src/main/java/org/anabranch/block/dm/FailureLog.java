// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.io.IOException;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;

/** How a failure that nobody waits for is logged. */
final class FailureLog {
  private FailureLog() {}

  /** One line for what a disk or a table says; with a stack trace for anything else, a defect. */
  static void error(Logger log, String what, Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof IOException || cause instanceof TableException) {
      log.error("{}: {}", what, cause.getMessage());
    } else {
      log.error("{}", what, failure);
    }
  }
}
