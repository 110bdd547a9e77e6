// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.workload;

/** A read returned wrong data: the target lost, mixed up or invented data. */
public final class VerificationException extends Exception {
  private static final long serialVersionUID = 1L;

  VerificationException(String message) {
    super(message);
  }
}
