// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

/** Login status: class and detail (RFC 7143 11.13.5). */
public enum LoginStatus {
  SUCCESS(org.jscsi.parser.login.LoginStatus.SUCCESS),
  INITIATOR_ERROR(org.jscsi.parser.login.LoginStatus.INITIATOR_ERROR),
  AUTHENTICATION_FAILURE(org.jscsi.parser.login.LoginStatus.AUTHENTICATION_FAILURE),
  AUTHORIZATION_FAILURE(org.jscsi.parser.login.LoginStatus.AUTHORIZATION_FAILURE),
  NOT_FOUND(org.jscsi.parser.login.LoginStatus.NOT_FOUND),
  TARGET_REMOVED(org.jscsi.parser.login.LoginStatus.TARGET_REMOVED),
  UNSUPPORTED_VERSION(org.jscsi.parser.login.LoginStatus.UNSUPPORTED_VERSION),
  TOO_MANY_CONNECTIONS(org.jscsi.parser.login.LoginStatus.TOO_MANY_CONNECTIONS),
  MISSING_PARAMETER(org.jscsi.parser.login.LoginStatus.MISSING_PARAMETER),
  CANNOT_INCLUDE_IN_SESSION(org.jscsi.parser.login.LoginStatus.CANNOT_INCLUDE_IN_SESSION),
  SESSION_TYPE_NOT_SUPPORTED(org.jscsi.parser.login.LoginStatus.SESSION_TYPE_NOT_SUPPORTED),
  SESSION_DOES_NOT_EXIST(org.jscsi.parser.login.LoginStatus.SESSION_DOSE_NOT_EXIST),
  INVALID_DURING_LOGIN(org.jscsi.parser.login.LoginStatus.INVALID_DURING_LOGIN),
  TARGET_ERROR(org.jscsi.parser.login.LoginStatus.TARGET_ERROR),
  SERVICE_UNAVAILABLE(org.jscsi.parser.login.LoginStatus.SERVICE_UNAVAILABLE),
  OUT_OF_RESOURCES(org.jscsi.parser.login.LoginStatus.OUT_OF_RESOURCES);

  private final org.jscsi.parser.login.LoginStatus jscsi;

  LoginStatus(org.jscsi.parser.login.LoginStatus jscsi) {
    this.jscsi = jscsi;
  }

  org.jscsi.parser.login.LoginStatus jscsi() {
    return jscsi;
  }

  /** Class in the high byte, detail in the low one. */
  public int code() {
    return Short.toUnsignedInt(jscsi.value());
  }
}
