// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.jscsi.LoginStatus;

/** A login is refused. The message is for the log only. */
public final class LoginRefusedException extends Exception {
  private final LoginStatus status;
  private final LoginStatus answer;

  /** Refuses a login with this status. */
  public LoginRefusedException(LoginStatus status, String message) {
    this(status, status, message);
  }

  private LoginRefusedException(LoginStatus status, LoginStatus answer, String message) {
    super(message, null, false, false);
    this.status = status;
    this.answer = answer;
  }

  /**
   * Refuses a login to a target that the initiator may not see. The answer is the same as for a
   * target that does not exist, so that strangers cannot try out names.
   */
  static LoginRefusedException notVisible(String message) {
    return new LoginRefusedException(
        LoginStatus.AUTHORIZATION_FAILURE, LoginStatus.NOT_FOUND, message);
  }

  /** Why the login is refused, for the counters. */
  public LoginStatus status() {
    return status;
  }

  /** The status that the initiator gets. */
  public LoginStatus answer() {
    return answer;
  }
}
