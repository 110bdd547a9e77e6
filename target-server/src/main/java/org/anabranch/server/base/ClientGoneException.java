// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

/** Whoever asked for long work is gone, or the server stops: there is nobody to report to. */
public final class ClientGoneException extends Exception {
  private static final long serialVersionUID = 1L;

  public ClientGoneException(Throwable cause) {
    super("the client is gone", cause);
  }
}
