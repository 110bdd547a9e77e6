// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.block.count.Counter;
import org.anabranch.jscsi.LoginStatus;

/** The logins that a server refused, by the status that the initiator got (RFC 7143 11.13.5). */
public enum LoginRefusal implements Counter {
  INITIATOR_ERROR("Login requests that make no sense"),
  AUTHENTICATION_FAILURE("A wrong secret, a wrong user, or no CHAP"),
  AUTHORIZATION_FAILURE("Initiators that the target does not admit"),
  NOT_FOUND("No such target, or not through this portal"),
  TARGET_REMOVED("Targets that were removed while the login went on"),
  UNSUPPORTED_VERSION("Versions of iSCSI above 0"),
  TOO_MANY_CONNECTIONS("A second connection of a session"),
  MISSING_PARAMETER("A name that is missing"),
  SESSION_TYPE_NOT_SUPPORTED("Session types that are neither Normal nor Discovery"),
  SESSION_DOES_NOT_EXIST("A TSIH of no session"),
  INVALID_DURING_LOGIN("PDUs that are no login request"),
  TARGET_ERROR("An error of the server, such as a merge that could not begin"),
  SERVICE_UNAVAILABLE("Logins whose place another one took"),
  OUT_OF_RESOURCES("The limit of sessions or of memory for data");

  private final String words;

  LoginRefusal(String words) {
    this.words = words;
  }

  /**
   * The refusal with a status.
   *
   * @throws IllegalArgumentException for SUCCESS, and for a status that no login ends with here
   */
  public static LoginRefusal with(LoginStatus status) {
    return valueOf(status.name());
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "login-refusals";
  }
}
