// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.util.Collection;

/**
 * What the user asked for cannot be done; the message is one line that says why and what would
 * help. The command ends with status 1 and no stack trace.
 */
public class RefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  public RefusedException(String message) {
    super(message);
  }

  public RefusedException(String message, Throwable cause) {
    super(message, cause);
  }

  /** There is no such thing, but those. */
  public static RefusedException absent(String kind, String name, Collection<String> there) {
    return new RefusedException(
        "there is no "
            + kind
            + " "
            + name
            + (there.isEmpty() ? "; there is none" : "; there are: " + String.join(", ", there)));
  }
}
