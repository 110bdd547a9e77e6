// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.io.IOException;

/** The connection was lost or the peer violated the protocol; the message says which. */
public class IscsiException extends IOException {
  private static final long serialVersionUID = 1L;

  public IscsiException(String message) {
    super(message);
  }

  public IscsiException(String message, Throwable cause) {
    super(message, cause);
  }
}
