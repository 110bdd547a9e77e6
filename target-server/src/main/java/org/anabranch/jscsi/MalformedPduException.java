// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

/** A header whose fields have no meaning together. The message names the field. */
public final class MalformedPduException extends Exception {
  public MalformedPduException(String message) {
    super(message, null, false, false);
  }
}
