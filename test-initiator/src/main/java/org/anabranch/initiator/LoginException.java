// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

/** The target rejected a login, with the status of its Login Response (RFC 7143 11.13.5). */
public final class LoginException extends IscsiException {
  private static final long serialVersionUID = 1L;

  private final int status;

  LoginException(int status, String message) {
    super(message);
    this.status = status;
  }

  /** Status-Class in the high byte, Status-Detail in the low one: 0x0201 is a wrong secret. */
  public int status() {
    return status;
  }

  static String text(int status) {
    return switch (status) {
      case 0x0101 -> "target moved temporarily";
      case 0x0102 -> "target moved permanently";
      case 0x0200 -> "initiator error";
      case 0x0201 -> "authentication failure";
      case 0x0202 -> "authorization failure";
      case 0x0203 -> "not found";
      case 0x0204 -> "target removed";
      case 0x0205 -> "unsupported version";
      case 0x0206 -> "too many connections";
      case 0x0207 -> "missing parameter";
      case 0x0208 -> "can't include in session";
      case 0x0209 -> "session type not supported";
      case 0x020a -> "session does not exist";
      case 0x020b -> "invalid during login";
      case 0x0300 -> "target error";
      case 0x0301 -> "service unavailable";
      case 0x0302 -> "out of resources";
      default -> "unknown status";
    };
  }
}
