// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.jscsi.LoginStatus;

/** A login ends with this status. The message is for the log only. */
public final class LoginRefusedException extends Exception {
  private final LoginStatus status;

  public LoginRefusedException(LoginStatus status, String message) {
    super(message, null, false, false);
    this.status = status;
  }

  public LoginStatus status() {
    return status;
  }
}
